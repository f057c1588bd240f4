// Reads server-sent events as they come.
import assert from "node:assert/strict";

/**
 * @typedef {object} Event
 * @property {string} name
 * @property {string} id
 * @property {any} data parsed JSON, or the text when it is none
 */

/** A connection that is read event by event. */
export class EventStream {
  /** @type {Event[]} what was read so far */
  seen = [];
  #text = "";
  #decoder = new TextDecoder();

  /**
   * @param {Response} response
   * @param {AbortController} controller
   */
  constructor(response, controller) {
    this.response = response;
    this.status = response.status;
    this.headers = response.headers;
    this.controller = controller;
    this.reader = response.body?.getReader();
  }

  /**
   * @param {string} url
   * @param {RequestInit & {json?: unknown}} [init]
   */
  static async open(url, { json, ...init } = {}) {
    const controller = new AbortController();
    const sent = json === undefined ? {} : { method: "POST", body: JSON.stringify(json) };
    const headers = { "content-type": "application/json", ...init.headers };
    return new EventStream(await fetch(url, { ...sent, ...init, headers, signal: controller.signal }), controller);
  }

  /** The next event; undefined at the end. */
  async next() {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const event = parse(this.#text.slice(0, end));
        this.#text = this.#text.slice(end + 2);
        if (!event) continue;
        this.seen.push(event);
        return event;
      }
      const { done, value } = (await this.reader?.read()) ?? { done: true, value: undefined };
      if (done) return undefined;
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }

  /** Reads until an event is what is looked for, and gives it. */
  async until(/** @type {(event: Event) => boolean} */ isIt) {
    for (;;) {
      const event = await this.next();
      assert.ok(event, `it ended after ${JSON.stringify(this.seen)}`);
      if (isIt(event)) return event;
    }
  }

  /** Reads until the texts so far end with one. */
  untilText(/** @type {string} */ text) {
    return this.until(() => this.text.endsWith(text));
  }

  /** Reads to the end, and gives all events. */
  async all() {
    while (await this.next());
    return this.seen;
  }

  /** The texts so far. */
  get text() {
    return this.seen.map(({ name, data }) => (name === "delta" ? data.text : "")).join("");
  }

  /** Breaks the connection. */
  close() {
    this.controller.abort();
  }
}

/**
 * @param {string} block
 * @returns {Event | undefined}
 */
function parse(block) {
  const fields = { event: "", id: "", data: "" };
  for (const line of block.split("\n")) {
    const [, name, value] = /^([a-z]*): ?(.*)$/.exec(line) ?? [];
    if (name === "event" || name === "id" || name === "data") fields[name] = value ?? "";
  }
  if (!fields.data) return undefined;
  let data = fields.data;
  try {
    data = JSON.parse(data);
  } catch {}
  return { name: fields.event, id: fields.id, data };
}
