/** HTTP for the session machine: asks with `fetch`, and hands it what comes back. */

import type { Client } from "../wasm/chatkeep_sdk.js";
import type { credentials } from "./credentials.js";
import { ChatkeepError } from "./error.js";
import type { Link } from "./link.js";
import type { Claimed, Problem } from "./types.js";
import type { ClaimResponse } from "./wire.js";

const NO_CREDENTIALS = {
  code: "unauthorized",
  status: 401,
  retryable: true,
  detail: "no usable credentials were given",
};

/** The requests under way, by their tokens. */
export class Requests implements Link {
  readonly url: string;
  readonly credentials: ReturnType<typeof credentials>;
  readonly #client: () => Client | undefined;
  readonly #aborts = new Map<number, AbortController>();

  /** `client` is whoever hears of the answers; nobody when it is gone. */
  constructor(url: string, shown: ReturnType<typeof credentials>, client: () => Client | undefined) {
    this.url = url;
    this.credentials = shown;
    this.#client = client;
  }

  hear(news: string): void {
    this.#client()?.hear(news);
  }

  /** Asks the server, and tells the client what comes of it. */
  async ask(token: number, method: string, path: string, headers: Headers, body: string | undefined): Promise<void> {
    const controller = new AbortController();
    this.#aborts.set(token, controller);
    const request = { method, headers, body: body ?? null, signal: controller.signal };
    const answer = await this.#exchange(token, path, request).catch(() => undefined);
    this.#aborts.delete(token);
    // Apart from the asking: a mistake in here is not the network's.
    if (answer) this.#client()?.answered(token, ...answer);
    else this.#client()?.unreachable(token);
  }

  /** Claims a visitor's sessions, again and again until all of them have come; without a token, those of the cookie. */
  async claim(visitor: string | undefined): Promise<Claimed> {
    let [moved, renamed] = [0, {}];
    for (;;) {
      const headers = new Headers({ "content-type": "application/json" });
      const request = { method: "POST", headers, body: JSON.stringify({ visitor }) };
      const response = await this.#authorized("/v1/visitors/claim", request, false).catch(() => undefined);
      const status = response?.status ?? 0;
      const answer = (await response?.json().catch(() => undefined)) as (ClaimResponse & Problem) | undefined;
      if (!response?.ok || !answer) {
        const code = response ? "unexpected_answer" : "network";
        throw new ChatkeepError(answer?.code ? answer : { code, status, retryable: true });
      }
      moved += answer.moved;
      renamed = { ...renamed, ...answer.renamed };
      if (!answer.left || !this.#client()) return { moved, renamed };
      // A turn runs in one of them, or there are very many.
      await new Promise((resume) => setTimeout(resume, 1000));
    }
  }

  /** Gives a request up. */
  abort(token: number): void {
    this.#aborts.get(token)?.abort();
  }

  /** Gives all of them up. */
  end(): void {
    for (const controller of this.#aborts.values()) controller.abort();
  }

  /** The answer and its text; nothing at the end of an event stream, whose pieces the client has got. */
  async #exchange(token: number, path: string, request: RequestInit & { headers: Headers }) {
    const response = await this.#authorized(path, request, false);
    const kind = response.headers.get("content-type") ?? "";
    if (!(response.ok && response.body && kind.startsWith("text/event-stream"))) {
      return [response, await response.text()] as const;
    }
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return undefined;
      this.#client()?.piece(token, value);
    }
  }

  async #authorized(path: string, request: RequestInit & { headers: Headers }, refused: boolean): Promise<Response> {
    try {
      const shown = await this.credentials(refused);
      if (shown) request.headers.set(...shown);
    } catch {
      // Whoever should have given them failed, or gave what no header can carry.
      return Response.json(NO_CREDENTIALS, NO_CREDENTIALS);
    }
    const response = await fetch(this.url + path, request);
    // Where they are refused, once more with new ones.
    return response.status === 401 && !refused ? this.#authorized(path, request, true) : response;
  }
}
