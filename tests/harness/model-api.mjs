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
 * What it answers. A text is a completion with that text.
 * @typedef {string | {status: number, body?: string, headers?: Record<string, string>} | "hang"} Told
 */

export class FakeModelApi {
  /** @type {Recorded[]} */
  requests = [];
  /** The value for OPENAI_BASE_URL. */
  url = "";
  #server = createServer((request, response) => this.#serve(request, response));
  /** @type {(request: Recorded) => Told | Promise<Told>} */
  #answer = () => `Answer ${this.requests.length}`;

  static async start() {
    const api = new FakeModelApi();
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
    const told = await this.#answer(recorded);
    if (told === "hang") return;
    if (typeof told === "object") {
      response.writeHead(told.status, { "content-type": "application/json", ...told.headers }).end(told.body);
      return;
    }
    const message = { role: "assistant", content: told };
    const completion = { id: "chatcmpl-fake", object: "chat.completion", model: recorded.body.model };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ ...completion, choices }));
  }
}
