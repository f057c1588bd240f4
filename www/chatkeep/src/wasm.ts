/** Loads the WebAssembly module: once for all clients, when the first of them needs it. */

import init, { Client } from "../wasm/chatkeep_sdk.js";
import type { WasmSource } from "./types.js";

/** Gives the module's client class. */
export type Load = (source: WasmSource | undefined) => Promise<typeof Client>;

let loaded: Promise<typeof Client> | undefined;

/** The module's client class. A load that failed is tried anew by the next call. */
export const load: Load = (source) => {
  loaded ??= instantiate(source).catch((error) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
};

async function instantiate(source: WasmSource | undefined): Promise<typeof Client> {
  // Without a source there is none: this module names no file, so that bundlers look for none.
  if (source === undefined) throw new TypeError("chatkeep/slim needs the option `wasm`");
  const file = source instanceof URL && source.protocol === "file:";
  await init({ module_or_path: file ? await read(source) : source });
  return Client;
}

/** Reads a file: in Node, whose `fetch` does not. */
async function read(file: URL): Promise<BufferSource> {
  // In a variable, so that bundlers for the browser don't look for the module.
  const fs = "node:fs/promises";
  const { readFile } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ fs)) as {
    readFile(file: URL): Promise<BufferSource>;
  };
  return readFile(file);
}
