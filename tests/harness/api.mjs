// A client of the HTTP API that shows everything of an answer, and waits for what comes about in time.
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {Headers} headers
 * @property {string} text
 * @property {any} body parsed JSON; undefined when it is none
 */

export class Api {
  /**
   * @param {string} url
   * @param {Record<string, string>} [headers] sent with every request
   */
  constructor(url, headers = {}) {
    this.url = url;
    this.headers = headers;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body] a string is sent as it is, all else as JSON
   * @param {Record<string, string>} [headers]
   * @returns {Promise<Answer>}
   */
  async send(method, path, body, headers = {}) {
    const sent = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    /** @type {Record<string, string>} */
    const type = sent === undefined ? {} : { "content-type": "application/json" };
    const response = await fetch(this.url + path, {
      method,
      body: sent,
      headers: { ...type, ...this.headers, ...headers },
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parsed(text) };
  }

  /** @param {string} path */
  get(path) {
    return this.send("GET", path);
  }

  /**
   * One turn.
   * @param {object} body
   * @param {Record<string, string>} [headers]
   */
  chat(body, headers) {
    return this.send("POST", "/v1/chat", body, headers);
  }

  /**
   * One turn that must succeed; gives its answer's body.
   * @param {string} message
   * @param {object} [more]
   */
  async say(message, more) {
    return ok(await this.chat({ message, ...more }));
  }

  /** @param {string} [query] */
  async list(query = "") {
    return ok(await this.get(`/v1/sessions${query}`));
  }

  /** @param {string} id */
  info(id) {
    return this.get(`/v1/sessions/${id}`);
  }

  /** @param {string} id */
  delete(id) {
    return this.send("DELETE", `/v1/sessions/${id}`);
  }

  /**
   * @param {string} id
   * @param {string} [query]
   */
  async history(id, query = "") {
    return ok(await this.get(`/v1/sessions/${id}/history${query}`));
  }

  /**
   * The texts of a session, oldest first.
   * @param {string} id
   * @returns {Promise<string[]>}
   */
  async texts(id) {
    const { messages } = await this.history(id, "?limit=500");
    return messages.map((/** @type {{content: string}} */ message) => message.content);
  }
}

/**
 * The body of an answer that must be a success.
 * @param {Answer} answer
 */
export function ok(answer) {
  assert.ok(answer.status >= 200 && answer.status < 300, `${answer.status} ${answer.text}`);
  return answer.body;
}

/**
 * Asserts that an answer is the problem of this status and code, in the form of RFC 9457; gives its body.
 * @param {Answer} answer
 * @param {number} status
 * @param {string} code
 */
export function assertProblem(answer, status, code) {
  assert.deepEqual([answer.status, answer.body?.code], [status, code], answer.text);
  assert.equal(answer.headers.get("content-type"), "application/problem+json");
  assert.equal(answer.body.status, status);
  assert.equal(answer.body.type, `urn:chatkeep:problem:${code}`);
  assert.equal(typeof answer.body.title, "string");
  assert.equal(typeof answer.body.retryable, "boolean");
  assert.match(answer.body.request_id, /^[0-9a-f]{16}$/);
  assert.equal(answer.body.request_id, answer.headers.get("x-request-id"));
  assert.ok(!answer.text.includes("null"), answer.text);
  return answer.body;
}

/**
 * Waits until what `look` gives satisfies `holds`, and gives it; says what it saw last when it never does.
 * @template T
 * @param {() => T | Promise<T>} look
 * @param {(seen: T) => boolean} holds
 * @param {number} [timeout]
 * @returns {Promise<T>}
 */
export async function eventually(look, holds, timeout = 20_000) {
  for (const end = Date.now() + timeout; ; await pause(50)) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (Date.now() > end) assert.fail(`still ${JSON.stringify(seen)}`);
  }
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
