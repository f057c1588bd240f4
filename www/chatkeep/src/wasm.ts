/** Loads the WebAssembly module: once for all clients, when the first of them needs it. */

import init, { Client } from "../wasm/chatkeep_sdk.js";
import type { ChatkeepOptions } from "./types.js";

let loaded: Promise<typeof Client> | undefined;

/** The module's client class. A load that failed is tried anew by the next call. */
export function load(source: ChatkeepOptions["wasm"]): Promise<typeof Client> {
  loaded ??= instantiate(source).catch((error) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
}

async function instantiate(source: ChatkeepOptions["wasm"]): Promise<typeof Client> {
  // Bundlers know this expression, copy the file and put its place here.
  const where = source ?? new URL("../wasm/chatkeep_sdk_bg.wasm", import.meta.url);
  await init({ module_or_path: where instanceof URL && where.protocol === "file:" ? await read(where) : where });
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
