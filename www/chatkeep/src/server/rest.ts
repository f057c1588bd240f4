/** Calls by `fetch` to an Upstash REST database, or to a gateway that speaks its dialect. */

import { type Carried, deadline, type Transport } from "./transport.js";

export class RestTransport implements Transport {
  readonly #url: string;
  readonly #token: string;
  /** Upstash's token for reading one's own writes from any replica. */
  #syncToken = "";

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async send(call: string, milliseconds: number): Promise<Carried> {
    const headers: Record<string, string> = {
      "content-type": "application/json",
      authorization: `Bearer ${this.#token}`,
    };
    if (this.#syncToken) headers["upstash-sync-token"] = this.#syncToken;
    const abort = new AbortController();
    const stop = deadline(milliseconds, () => abort.abort());
    try {
      const response = await fetch(this.#url, { method: "POST", headers, body: call, signal: abort.signal });
      const text = await response.text();
      this.#syncToken = response.headers.get("upstash-sync-token") ?? this.#syncToken;
      return { status: response.status, text };
    } catch {
      return { lost: abort.signal.aborted ? "timeout" : "network" };
    } finally {
      stop();
    }
  }

  async close(): Promise<void> {}
}
