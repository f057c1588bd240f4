/**
 * The same as `chatkeep`, without the expression by which bundlers find the WebAssembly module: the option `wasm` brings it.
 *
 * @packageDocumentation
 */

import { WasmChatkeep } from "./chatkeep.js";
import type { Chatkeep, ChatkeepOptions, WasmSource } from "./types.js";
import { load } from "./wasm.js";

export { ChatkeepError } from "./error.js";
export type * from "./types.js";

/**
 * Makes a client. It returns at once and may be called anywhere, on a server too: what it needs is loaded when somebody
 * first subscribes or calls, and calls made before that is done wait for it.
 *
 * @example
 * ```ts
 * import wasm from "chatkeep/chatkeep.wasm";
 * const chat = createChatkeep({ wasm });
 * const { response } = await chat.send("Hello");
 * ```
 */
export function createChatkeep(options: ChatkeepOptions & { wasm: WasmSource }): Chatkeep {
  return new WasmChatkeep(options, load);
}
