/**
 * Chat sessions with memory: New Chat, a session list and a history that survives reloads.
 *
 * @packageDocumentation
 */

import { WasmChatkeep } from "./chatkeep.js";
import type { Chatkeep, ChatkeepOptions } from "./types.js";
import { loadFromHere } from "./where.js";

export { ChatkeepError } from "./error.js";
export type * from "./types.js";

/**
 * Makes a client. It returns at once and may be called anywhere, on a server too: what it needs is loaded when somebody
 * first subscribes or calls, and calls made before that is done wait for it.
 *
 * @example
 * ```ts
 * const chat = createChatkeep();
 * const { response } = await chat.send("Hello");
 * ```
 */
export function createChatkeep(options: ChatkeepOptions = {}): Chatkeep {
  return new WasmChatkeep(options, loadFromHere);
}
