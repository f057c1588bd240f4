/**
 * Chatkeep on the edge: as `chatkeep/server` in Node, without TCP and without work between requests.
 *
 * @packageDocumentation
 */

import module from "../../wasm-server/chatkeep_library_bg.wasm?module";
import type { Platform } from "./platform.js";
import { singleton } from "./singleton.js";
import { WasmStore } from "./store.js";
import type { Store, StoreOptions } from "./types.js";

export { ChatkeepError } from "../error.js";
export type * from "./types.js";

const EDGE: Platform = { background: false, module: async () => module };

/** Makes a store, from options or the environment. It returns at once: what it needs is loaded with the first call. */
export function createStore(options: StoreOptions = {}): Store {
  return new WasmStore(EDGE, options);
}

/** The one store of this isolate, made by the first call; its options count until the store is closed. */
export function getStore(options: StoreOptions = {}): Store {
  return singleton((closed) => new WasmStore(EDGE, options, closed));
}
