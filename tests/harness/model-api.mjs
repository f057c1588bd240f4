// A fake of an OpenAI-compatible API: it records what it is asked and answers as it is told.
import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

/**
 * @typedef {object} Recorded
 * @property {string} method
 * @property {string} path
 * @property {import("node:http").IncomingHttpHeaders} headers
 * @property {any} body parsed JSON
 */

/**
 * What it answers. A text is a completion with that text, in words where a stream was asked for. `stream` gives what is
 * written, piece by piece: it may wait between them, and the connection breaks when it throws.
 * @typedef {string | {status: number, body?: string, headers?: Record<string, string>}
 *   | {stream: Iterable<string> | AsyncIterable<string>, type?: string} | "hang"} Told
 */

/**
 * A chunk of a streamed completion.
 * @param {object} delta
 * @param {object} [more] of its choice
 */
export function chunk(delta, more) {
  const choices = [{ index: 0, delta, finish_reason: null, ...more }];
  return `data: ${JSON.stringify({ id: "chatcmpl-fake", object: "chat.completion.chunk", choices })}\n\n`;
}

/** A chunk with text. */
export const word = (/** @type {string} */ content) => chunk({ content });

/** What ends a streamed completion. */
export const END = `${chunk({}, { finish_reason: "stop" })}data: {"choices":[],"usage":{"total_tokens":7}}\n\ndata: [DONE]\n\n`;

/** Lets a stream wait until the test says so. */
export class Gate {
  /** @type {() => void} */
  open = () => {};
  /** @type {Promise<void>} */
  opened = new Promise((resolve) => {
    this.open = resolve;
  });
}

/**
 * A streamed completion of some words, which waits at each gate among them.
 * @param {(string | Gate)[]} parts
 */
export async function* words(...parts) {
  for (const part of parts) {
    if (typeof part === "string") yield word(part);
    else await part.opened;
  }
  yield END;
}

export class FakeModelApi {
  /** @type {Recorded[]} */
  requests = [];
  /** How many streams have ended, by whomever. */
  closed = 0;
  /** The value for OPENAI_BASE_URL. */
  url = "";
  #server = createServer((request, response) => this.#serve(request, response));
  /** @type {(request: Recorded) => Told | Promise<Told>} */
  #answer = () => `Answer ${this.requests.length}`;

  static async start() {
    const api = new this();
    api.#server.listen(0, "127.0.0.1");
    await once(api.#server, "listening");
    const address = api.#server.address();
    if (address === null || typeof address === "string") throw new Error("no address");
    api.url = `http://127.0.0.1:${address.port}/v1`;
    return api;
  }

  /** Every request gets this completion. */
  say(/** @type {string} */ text) {
    this.answer(() => text);
  }

  /** Every request gets this status, and a body. */
  fail(/** @type {number} */ status, body = '{"error":{"message":"as told by the test"}}') {
    this.answer(() => ({ status, body }));
  }

  /** Every request gets status 200 with this body, as it is. */
  garble(/** @type {string} */ body) {
    this.answer(() => ({ status: 200, body }));
  }

  /** No request gets an answer. */
  hang() {
    this.answer(() => "hang");
  }

  /** Every request gets what this gives for it. */
  answer(/** @type {(request: Recorded) => Told | Promise<Told>} */ answer) {
    this.#answer = answer;
  }

  /**
   * What it answers a request that breaks its rules; a lenient one has none.
   * @param {Recorded} _request
   * @returns {Told | undefined}
   */
  refusal(_request) {
    return undefined;
  }

  /** Waits until it has got that many requests, and gives the last of them. */
  async received(/** @type {number} */ count) {
    while (this.requests.length < count) await pause(5);
    return this.requests[count - 1];
  }

  async stop() {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(
    /** @type {import("node:http").IncomingMessage} */ request,
    /** @type {import("node:http").ServerResponse} */ response,
  ) {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const { method = "", url = "", headers } = request;
    const recorded = { method, path: url, headers, body: JSON.parse(body) };
    this.requests.push(recorded);
    const told = this.refusal(recorded) ?? (await this.#answer(recorded));
    if (told === "hang") return;
    if (typeof told === "object" && "stream" in told) {
      response.writeHead(200, { "content-type": told.type ?? "text/event-stream" });
      response.on("close", () => {
        this.closed += 1;
      });
      try {
        for await (const piece of told.stream) if (!response.destroyed) response.write(piece);
        response.end();
      } catch {
        response.destroy();
      }
      return;
    }
    if (typeof told === "object") {
      response.writeHead(told.status, { "content-type": "application/json", ...told.headers }).end(told.body);
      return;
    }
    if (recorded.body.stream) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(
        told
          .split(/(?<= )/)
          .map(word)
          .join("") + END,
      );
      return;
    }
    const message = { role: "assistant", content: told };
    const completion = { id: "chatcmpl-fake", object: "chat.completion", model: recorded.body.model };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ ...completion, choices }));
  }
}

/**
 * A fake of the strict ones among these APIs: it refuses a conversation that doesn't begin with the user after one system
 * message, whose roles don't alternate, that has a message without content, or more of it than its context.
 */
export class FakeStrictModelApi extends FakeModelApi {
  /** The most characters of a conversation. */
  context = 100_000;

  /** @param {Recorded} request */
  refusal({ body }) {
    const messages = /** @type {{role: string, content?: unknown, tool_calls?: unknown[]}[]} */ (body.messages);
    const said = messages[0]?.role === "system" ? messages.slice(1) : messages;
    const isEmpty = said.some(
      ({ content, tool_calls }) => !tool_calls && (typeof content !== "string" || content === ""),
    );
    if (isEmpty) return refused("invalid_request_empty_content");
    const turns = said.filter(({ role, tool_calls }) => role !== "tool" && !tool_calls).map(({ role }) => role);
    const alternate = turns.every((role, at) => role === (at % 2 === 0 ? "user" : "assistant"));
    if (!alternate) return refused("invalid_request_message_order");
    if (JSON.stringify(messages).length > this.context) return refused("exceed_context_size_error");
    return undefined;
  }
}

/** @param {string} type */
const refused = (type) => ({
  status: 400,
  body: JSON.stringify({ error: { type, code: 400, message: "words that nobody may see" } }),
});
