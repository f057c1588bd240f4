// Another tab of the owner: what it is told over a WebSocket, to be waited for.
import { randomBytes } from "node:crypto";
import { request } from "node:http";

/**
 * @typedef {object} Told
 * @property {string} type
 * @property {string} [session_id]
 * @property {any} [session]
 * @property {string} [message_id]
 * @property {string} [text]
 * @property {string} [status]
 */

export class Tab {
  /** @type {Told[]} what it was told so far */
  told = [];
  /** @type {(() => void)[]} */
  #waiting = [];

  /** @param {WebSocket} socket */
  constructor(socket) {
    this.socket = socket;
    /** @type {Promise<CloseEvent>} */
    this.closed = new Promise((resolve) => socket.addEventListener("close", resolve));
    socket.addEventListener("message", ({ data }) => {
      this.told.push(data === "pong" ? { type: data } : JSON.parse(data));
      for (const look of this.#waiting.splice(0)) look();
    });
  }

  /**
   * @param {string} url
   * @param {string[]} [protocols]
   * @returns {Promise<Tab>}
   */
  static async open(url, protocols = []) {
    const socket = new WebSocket(`${url.replace("http", "ws")}/v1/events`, protocols);
    const tab = new Tab(socket);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", () => reject(new Error("no WebSocket")));
    });
    return tab;
  }

  /**
   * Waits for something of a session, and gives it.
   * @param {string} type
   * @param {string} [session_id]
   * @param {(told: Told) => boolean} [holds]
   */
  async until(type, session_id, holds = () => true) {
    for (;;) {
      const found = this.told.find((one) => one.type === type && one.session_id === session_id && holds(one));
      if (found) return found;
      await new Promise((resolve) => this.#waiting.push(() => resolve(undefined)));
    }
  }

  /** Says that it listens, and waits for the answer. */
  async ping() {
    const before = this.told.length;
    this.socket.send("ping");
    await this.until("pong", undefined, (told) => this.told.indexOf(told, before) >= before);
  }

  /** What it was told of a session. */
  of(/** @type {string} */ session_id) {
    return this.told.filter((one) => one.session_id === session_id);
  }

  /** The same, by its types alone. */
  types(/** @type {string} */ session_id) {
    return this.of(session_id).map(({ type }) => type);
  }

  /** Leaves. */
  async close() {
    this.socket.close();
    await this.closed;
  }
}

/**
 * What a request for a WebSocket is answered with, with headers that no WebSocket of Node's would send.
 * @param {string} url
 * @param {Record<string, string>} headers
 * @returns {Promise<number | undefined>}
 */
export function statusOfUpgrade(url, headers) {
  const handshake = { "sec-websocket-version": "13", "sec-websocket-key": randomBytes(16).toString("base64") };
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/v1/events`, {
      headers: { connection: "upgrade", upgrade: "websocket", ...handshake, ...headers },
    });
    asked.on("upgrade", ({ statusCode }, socket) => {
      socket.destroy();
      resolve(statusCode);
    });
    asked.on("response", (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on("error", reject);
    asked.end();
  });
}
