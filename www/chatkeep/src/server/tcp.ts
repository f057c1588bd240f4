/**
 * Calls over TCP by the npm package `redis`, version 4 or later. It only carries: when to connect anew, what to repeat and
 * what to do meanwhile is the store's to decide.
 */

import type { Client } from "redis";
import { type Carried, type Connection, deadline, type Transport } from "./transport.js";
import type { StoreOptions } from "./types.js";

type Package = typeof import("redis");

/** A client that connects or is connected. */
interface Link {
  client: Client;
  ready: Promise<unknown>;
  /** How many replies it gave. */
  replies: number;
}

export class TcpTransport implements Transport {
  readonly #options: object;
  readonly #package: Package;
  #link: Link | undefined;

  constructor(redis: Package, at: Connection, tls: StoreOptions["tls"]) {
    this.#package = redis;
    this.#options = {
      RESP: 2,
      disableOfflineQueue: true,
      ...(at.username ? { username: at.username } : {}),
      ...(at.password ? { password: at.password } : {}),
      ...(at.db ? { database: at.db } : {}),
      socket: { host: at.host, port: at.port, reconnectStrategy: false, ...(at.tls ? { ...tls, tls: true } : {}) },
    };
  }

  async send(call: string, milliseconds: number): Promise<Carried> {
    this.#link ??= this.#open();
    const link = this.#link;
    const before = link.replies;
    let stop = () => {};
    const late = new Promise<Carried>((resolve) => {
      stop = deadline(milliseconds, () => {
        // A connection that said nothing all the while is dead, or as good as that.
        if (link.replies === before) this.#drop(link);
        resolve({ lost: "timeout" });
      });
    });
    const carried = await Promise.race([this.#ask(link, JSON.parse(call) as string[]), late]);
    stop();
    return carried;
  }

  async close(): Promise<void> {
    if (this.#link) this.#drop(this.#link);
  }

  #open(): Link {
    const client = this.#package.createClient(this.#options);
    // What goes wrong comes back from the call that it goes wrong for.
    client.on("error", () => {});
    const ready = client.connect();
    ready.catch(() => {});
    return { client, ready, replies: 0 };
  }

  async #ask(link: Link, words: string[]): Promise<Carried> {
    try {
      await link.ready;
      const result = await link.client.sendCommand(words);
      link.replies += 1;
      return { status: 200, text: JSON.stringify({ result }) };
    } catch (error) {
      // A closed client stays closed: the next call opens another.
      if (!link.client.isReady) this.#drop(link);
      if (!(error instanceof this.#package.ErrorReply)) return { lost: "network" };
      link.replies += 1;
      return { status: 400, text: JSON.stringify({ error: error.message }) };
    }
  }

  #drop(link: Link): void {
    if (this.#link === link) this.#link = undefined;
    try {
      if (link.client.destroy) link.client.destroy();
      else link.client.disconnect?.().catch(() => {});
    } catch {} // it was closed already
  }
}

/** Loads the client and, where the environment names one, the certificate to trust. */
export async function openTcp(at: Connection, options: StoreOptions, caFile: unknown): Promise<Transport> {
  let redis: Package;
  try {
    redis = await import("redis");
  } catch (cause) {
    throw new Error("redis:// needs the npm package redis: npm install redis", { cause });
  }
  const tls =
    at.tls && typeof caFile === "string" && caFile ? { ca: await readText(caFile), ...options.tls } : options.tls;
  return new TcpTransport(redis, at, tls);
}

async function readText(file: string): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  return readFile(file, "utf8");
}
