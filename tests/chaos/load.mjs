// The load: clients that talk, each in sessions of its own, and repeat what got no answer until it gets one.
import { setTimeout as pause } from "node:timers/promises";
import { Api } from "../harness/api.mjs";

/** @import { Random } from "./random.mjs" */

/**
 * A message that was acknowledged.
 * @typedef {{id: string, content: string}} Acknowledged
 */

/**
 * A session as its client knows it.
 * @typedef {object} Talk
 * @property {string} id
 * @property {Acknowledged[]} messages what was acknowledged, in its order
 * @property {boolean} deleted
 */

/**
 * @typedef {object} Counts
 * @property {number} turns acknowledged
 * @property {number} appends acknowledged
 * @property {number} deletes acknowledged
 * @property {number} degraded answers that came by the journal
 * @property {number} repeated requests
 * @property {string[]} wrong answers that are none of those that a client must expect
 */

export class Client {
  /** @type {Talk[]} */
  talks = [];
  /** @type {Counts} */
  counts = { turns: 0, appends: 0, deletes: 0, degraded: 0, repeated: 0, wrong: [] };
  #api;
  #random;
  #name;
  #made = 0;
  #marker = "-";

  /**
   * @param {string} url
   * @param {string} name
   * @param {Random} random
   */
  constructor(url, name, random) {
    this.#api = new Api(url);
    this.#name = name;
    this.#random = random;
  }

  /**
   * Talks until a moment, and brings what it began to its end.
   * @param {number} until
   */
  async talk(until) {
    while (Date.now() < until) {
      const talk = this.#chosen();
      const what = this.#random.within(0, 99);
      if (what < 70) await this.#turn(talk);
      else if (what < 82) await this.#append(talk);
      else if (what < 97) await this.#look(talk);
      else if (talk.messages.length > 0) await this.#delete(talk);
      await pause(this.#random.within(0, 120));
    }
  }

  #chosen() {
    const open = this.talks.filter((talk) => !talk.deleted);
    if (open.length > 0 && this.#random.happens(85)) return this.#random.pick(open.slice(-4));
    const talk = { id: `${this.#name}-s${this.talks.length}`, messages: [], deleted: false };
    this.talks.push(talk);
    return talk;
  }

  /** @param {Talk} talk */
  async #turn(talk) {
    const message_id = this.#id();
    const message = `text of ${message_id}`;
    const existing = talk.messages.length > 0;
    const body = await this.#insist("POST", "/v1/chat", { message, message_id, session_id: talk.id, existing });
    if (!body) return;
    this.counts.turns += 1;
    talk.messages.push({ id: message_id, content: message }, { id: body.reply_id, content: body.response });
  }

  /** @param {Talk} talk */
  async #append(talk) {
    const messages = [this.#id(), this.#id()].map((id) => ({ id, role: "user", content: `text of ${id}` }));
    if (!(await this.#insist("POST", `/v1/sessions/${talk.id}/messages`, { messages }))) return;
    this.counts.appends += 1;
    talk.messages.push(...messages.map(({ id, content }) => ({ id, content })));
  }

  /** @param {Talk} talk */
  async #delete(talk) {
    // One that was deleted, unheard, in a Redis that is empty since is an unknown one.
    if (!(await this.#insist("DELETE", `/v1/sessions/${talk.id}`, undefined, 404))) return;
    this.counts.deletes += 1;
    talk.deleted = true;
  }

  /**
   * Reads a session: what doesn't come by the journal must show all that was acknowledged.
   * @param {Talk} talk
   */
  async #look(talk) {
    const answer = await this.#ask("GET", `/v1/sessions/${talk.id}/history?limit=500`);
    if (!answer || answer.status === 503) return;
    if (answer.status === 404 && talk.messages.length === 0) return;
    if (answer.status !== 200) {
      this.counts.wrong.push(`history of ${talk.id}: ${answer.status} ${answer.body?.code}`);
    } else if (!answer.body.degraded) {
      const shown = new Set(answer.body.messages.map((/** @type {{id: string}} */ message) => message.id));
      const missing = talk.messages.slice(-500).filter((message) => !shown.has(message.id));
      if (missing.length > 0) this.counts.wrong.push(`${talk.id} does not show its own ${missing[0].id}`);
    }
  }

  /**
   * Sends a request until it is acknowledged.
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @param {number} [done] a status that says as well that it is done
   */
  async #insist(method, path, body, done) {
    const end = Date.now() + 90_000;
    while (Date.now() < end) {
      const answer = await this.#ask(method, path, body);
      if (answer && (answer.status < 300 || answer.status === done)) return answer.body;
      const again = !answer || answer.status >= 500 || answer.status === 409;
      if (!again) {
        this.counts.wrong.push(`${method} ${path}: ${answer?.status} ${answer?.body?.code}`);
        return undefined;
      }
      this.counts.repeated += 1;
      await pause(this.#random.within(50, 400));
    }
    this.counts.wrong.push(`${method} ${path}: never acknowledged`);
    return undefined;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   */
  async #ask(method, path, body) {
    try {
      const answer = await this.#api.send(method, path, body, { "chatkeep-journal": this.#marker });
      this.#marker = answer.headers.get("chatkeep-journal") ?? this.#marker;
      if (answer.body?.degraded) this.counts.degraded += 1;
      return answer;
    } catch {
      return undefined; // workerd is gone
    }
  }

  #id() {
    return `${this.#name}-m${this.#made++}`;
  }
}
