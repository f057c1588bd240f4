/**
 * The AI SDK's `useChat` on a Chatkeep client: its outbox, its tabs and its sessions under the AI SDK's own state.
 *
 * @packageDocumentation
 */

import { ChatkeepError } from "./error.js";
import type { Chatkeep, Message, Reply } from "./types.js";

/** The chunks of the AI SDK's UI message stream that a reply consists of. */
export type ReplyChunk =
  | { type: "start"; messageId?: string }
  | { type: "text-start"; id: string }
  | { type: "text-delta"; id: string; delta: string }
  | { type: "text-end"; id: string }
  | { type: "finish"; finishReason?: "stop" | "other" };

/** As much of a message of the AI SDK as matters here. */
export interface TransportMessage {
  id?: string;
  role: string;
  metadata?: unknown;
  parts: readonly { type: string; text?: string }[];
}

/** As much of a request as matters here. */
export interface TransportRequest {
  trigger: "submit-message" | "regenerate-message";
  /** The message that is edited or regenerated. */
  messageId?: string | undefined;
  messages: readonly TransportMessage[];
  abortSignal?: AbortSignal | undefined;
}

/**
 * Returns a `ChatTransport` of the AI SDK, versions 6 and 7. Messages go to the client's open session; call
 * `chat.newChat()` or `chat.open(id)` where the AI SDK's chat changes, and give `useChat` what {@link toUIMessages} makes
 * of the history. Messages keep the AI SDK's ids. To stop the AI SDK's chat stops the reply on the server.
 *
 * Files and results of tools are refused with `unsupported`: for those use the AI SDK's own transport with `/v1/ai/chat`.
 *
 * @example
 * ```ts
 * const chat = createChatkeep();
 * const { messages, sendMessage } = useChat({ transport: chatTransport(chat) });
 * ```
 */
export function chatTransport(client: Chatkeep) {
  /** The ids of messages that were edited or asked again: the AI SDK keeps the old id, the server has a new message. */
  const replaced = new Map<string, string>();
  const stored = (id: string) => replaced.get(id) ?? id;

  function ask({ trigger, messageId, messages }: TransportRequest, onPiece: (text: string) => void): Promise<Reply> {
    const last = messages.findLast(({ role }) => role === "user");
    const options = { stream: true, onPiece };
    const remember = (reply: Reply) => {
      if (last?.id && reply.messageId) replaced.set(last.id, reply.messageId);
      return reply;
    };
    if (trigger === "regenerate-message") {
      return client.regenerate(messageId && stored(messageId), options).then(remember);
    }
    if (!last || messages.at(-1) !== last) {
      throw unsupported("Results of tools can't be sent by this transport");
    }
    const text = textOf(last);
    if (messageId !== undefined) return client.edit(stored(messageId), text, options).then(remember);
    const metadata = last.metadata as object | undefined;
    const stream = client.stream(text, { ...(last.id && { id: last.id }), ...(metadata && { metadata }) });
    return forward(stream, onPiece).then(() => stream.reply);
  }

  return {
    async sendMessages(request: TransportRequest): Promise<ReadableStream<ReplyChunk>> {
      const { abortSignal } = request;
      abortSignal?.throwIfAborted();
      abortSignal?.addEventListener("abort", () => void client.stop(), { once: true });
      return new ReadableStream({
        async start(controller) {
          const id = "text";
          let begun = false;
          let said = "";
          const begin = (messageId: string | undefined) => {
            if (begun) return;
            begun = true;
            controller.enqueue({ type: "start", ...(messageId && { messageId }) });
            controller.enqueue({ type: "text-start", id });
          };
          const write = (delta: string) => {
            said += delta;
            if (delta) controller.enqueue({ type: "text-delta", id, delta });
          };
          let written: Promise<void> = Promise.resolve();
          const onPiece = (piece: string) => {
            const first = async () => begin((await streamingId(client)) ?? (await asking).replyId);
            // A piece comes before the snapshot that names its message. What fails is the reply's to tell.
            written = written
              .then(() => (begun ? undefined : first()))
              .then(
                () => write(piece),
                () => {},
              );
          };
          let asking: Promise<Reply>;
          try {
            asking = ask(request, onPiece);
            const reply = await asking;
            await written;
            begin(reply.replyId);
            if (reply.response.startsWith(said)) write(reply.response.slice(said.length));
            controller.enqueue({ type: "text-end", id });
            controller.enqueue({ type: "finish", finishReason: reply.stopped ? "other" : "stop" });
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

/** Returns messages of a client's snapshot as messages of the AI SDK: what `useChat` begins with after a reload. */
export function toUIMessages(messages: readonly Message[]) {
  return messages.map(({ id, role, content, metadata }) => ({
    id,
    role,
    ...(metadata !== undefined && { metadata }),
    parts: [{ type: "text" as const, text: content }],
  }));
}

/** Hands on the pieces of a reply. */
async function forward(pieces: AsyncIterable<string>, onPiece: (text: string) => void): Promise<void> {
  for await (const piece of pieces) onPiece(piece);
}

/** Returns the id of the reply that is coming, as soon as the snapshot has it. */
function streamingId(client: Chatkeep): Promise<string | undefined> {
  return new Promise((resolve) => {
    let stop = () => {};
    const look = () => {
      const { messages, sending } = client.getSnapshot();
      const reply = messages.findLast(({ status }) => status === "streaming");
      if (!reply && sending) return;
      stop();
      resolve(reply?.id);
    };
    stop = client.subscribe(look);
    look();
  });
}

/** The text of a message, which may consist of nothing else. */
function textOf({ parts }: TransportMessage): string {
  const other = parts.find(({ type }) => type !== "text" && type !== "step-start");
  if (other) throw unsupported(`A part of type ${other.type} can't be sent by this transport`);
  return parts.map(({ text }) => text ?? "").join("");
}

function unsupported(what: string): ChatkeepError {
  const detail = `${what}: use DefaultChatTransport with /v1/ai/chat`;
  return new ChatkeepError({ code: "unsupported", status: 0, retryable: false, detail });
}
