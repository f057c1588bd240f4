/**
 * The same as `chatkeep`, for Cloudflare Workers: there a module is imported, not fetched.
 *
 * @packageDocumentation
 */

import wasm from "../wasm/chatkeep_sdk_bg.wasm";
import { WasmChatkeep } from "./chatkeep.js";
import type { Chatkeep, ChatkeepOptions } from "./types.js";
import { load } from "./wasm.js";

export { ChatkeepError } from "./error.js";
export type * from "./types.js";

/** Makes a client; see the main entry. */
export function createChatkeep(options: ChatkeepOptions = {}): Chatkeep {
  return new WasmChatkeep(options, (source) => load(source ?? wasm));
}
