/**
 * Chatkeep on a server: sessions, their states and messages, in Redis or in memory, for Node and Next.js.
 *
 * @packageDocumentation
 */

import type { Platform } from "./platform.js";
import { singleton } from "./singleton.js";
import { WasmStore } from "./store.js";
import type { Store, StoreOptions } from "./types.js";

export { ChatkeepError } from "../error.js";
export type * from "./types.js";

const NODE: Platform = {
  background: true,
  module: async () => {
    const { bytes } = await import("../../wasm-server/chatkeep_library_bytes.js");
    return bytes();
  },
  tcp: async (at, options, caFile) => (await import("./tcp.js")).openTcp(at, options, caFile),
};

/**
 * Makes a store, from options or the environment. It returns at once: what it needs is loaded with the first call.
 *
 * @example
 * ```ts
 * const store = createStore({ url: "redis://localhost:6379", keyPrefix: "myapp:conv:", ttlSeconds: 1800 });
 * await store.set("session-123", { step: 1 });
 * ```
 */
export function createStore(options: StoreOptions = {}): Store {
  return new WasmStore(NODE, options);
}

/** The one store of this process, made by the first call; its options count until the store is closed. */
export function getStore(options: StoreOptions = {}): Store {
  return singleton((closed) => new WasmStore(NODE, options, closed));
}
