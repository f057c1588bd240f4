/**
 * The AI SDK's `useChat` on a Chatkeep client: its outbox, its tabs and its sessions under the AI SDK's own state.
 *
 * @packageDocumentation
 */

import type { Chatkeep, Reply } from "./types.js";

/** The chunks of the AI SDK's UI message stream that a reply consists of. */
export type ReplyChunk =
  | { type: "start"; messageId?: string }
  | { type: "text-start"; id: string }
  | { type: "text-delta"; id: string; delta: string }
  | { type: "text-end"; id: string }
  | { type: "finish" };

/** As much of a request as matters here. */
export interface TransportRequest {
  trigger: "submit-message" | "regenerate-message";
  messages: readonly { role: string; parts: readonly { type: string; text?: string }[] }[];
  abortSignal?: AbortSignal | undefined;
}

/**
 * A `ChatTransport` of the AI SDK, versions 6 and 7. Messages go to the client's open session; call `chat.newChat()` or
 * `chat.open(id)` where the AI SDK's chat changes. To stop the AI SDK's chat stops the reply on the server.
 *
 * @example
 * ```ts
 * const chat = createChatkeep();
 * const { messages, sendMessage } = useChat({ transport: chatTransport(chat) });
 * ```
 */
export function chatTransport(client: Chatkeep) {
  return {
    async sendMessages({ trigger, messages, abortSignal }: TransportRequest): Promise<ReadableStream<ReplyChunk>> {
      const asked = messages.findLast(({ role }) => role === "user");
      const text = asked?.parts.map((part) => (part.type === "text" ? (part.text ?? "") : "")).join("") ?? "";
      abortSignal?.addEventListener("abort", () => void client.stop(), { once: true });
      const pieces = trigger === "regenerate-message" ? once(client.regenerate()) : client.stream(text);
      return new ReadableStream({
        async start(controller) {
          const id = "text";
          try {
            controller.enqueue({ type: "start" });
            controller.enqueue({ type: "text-start", id });
            for await (const delta of pieces) controller.enqueue({ type: "text-delta", id, delta });
            controller.enqueue({ type: "text-end", id });
            controller.enqueue({ type: "finish" });
            controller.close();
          } catch (error) {
            controller.error(error);
          }
        },
      });
    },

    /** The client goes on by itself with what a reload cut off, so there is nothing to take up. */
    async reconnectToStream(): Promise<null> {
      return null;
    },
  };
}

/** A reply in one piece. */
async function* once(reply: Promise<Reply>): AsyncGenerator<string> {
  yield (await reply).response;
}
