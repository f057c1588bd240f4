/** The client: gives the session machine the user's wishes and holds the promises and listeners that wait for it. */

import type { Client } from "../wasm/chatkeep_sdk.js";
import { ChatkeepError } from "./error.js";
import { advance, EMPTY, share } from "./snapshot.js";
import type { Chatkeep, ChatkeepOptions, KeyValueStorage, Problem, Reply, Snapshot } from "./types.js";
import { load } from "./wasm.js";

interface Waiting {
  resolve(json: string): void;
  reject(error: ChatkeepError): void;
}

/** A {@link Chatkeep} on the WebAssembly module. Nothing is loaded before somebody subscribes or calls. */
export class WasmChatkeep implements Chatkeep {
  readonly #options: ChatkeepOptions;
  readonly #listeners = new Set<() => void>();
  readonly #waiting = new Map<number, Waiting>();
  /** What was called before the module was there. */
  #queue: ((client: Client) => void)[] = [];
  #state: "idle" | "loading" | "ready" | "disposed" = "idle";
  #client: Client | undefined;
  #snapshot = EMPTY;
  #tickets = 0;

  constructor(options: ChatkeepOptions) {
    this.#options = options;
  }

  newChat = (): void => {
    this.#run((client) => client.newChat());
  };

  send = (text: string): Promise<Reply> =>
    this.#ask(
      (client, ticket) => client.send(ticket, String(text)),
      (json) => Object.freeze(JSON.parse(json) as Reply),
    );

  retry = (messageId: string): Promise<Reply> =>
    this.#ask(
      (client, ticket) => client.retry(ticket, String(messageId)),
      (json) => Object.freeze(JSON.parse(json) as Reply),
    );

  open = (sessionId: string): Promise<void> =>
    this.#ask(
      (client, ticket) => client.open(ticket, String(sessionId)),
      () => {},
    );

  history = (options?: { older?: boolean }): Promise<Snapshot["messages"]> =>
    this.#ask(
      (client, ticket) => client.history(ticket, options?.older === true),
      () => this.#snapshot.messages,
    );

  sessions = (): Promise<Snapshot["sessions"]> =>
    this.#ask(
      (client, ticket) => client.sessions(ticket),
      () => this.#snapshot.sessions,
    );

  delete = (sessionId: string): Promise<void> =>
    this.#ask(
      (client, ticket) => client.delete(ticket, String(sessionId)),
      () => {},
    );

  subscribe = (listener: () => void): (() => void) => {
    // An own function for every subscription: the same listener may come twice and go once.
    const call = () => listener();
    if (this.#state !== "disposed") this.#listeners.add(call);
    this.#run(() => {});
    return () => {
      this.#listeners.delete(call);
    };
  };

  getSnapshot = (): Snapshot => this.#snapshot;

  getServerSnapshot = (): Snapshot => EMPTY;

  dispose = (): void => {
    if (this.#state === "disposed") return;
    this.#state = "disposed";
    this.#listeners.clear();
    const client = this.#client;
    this.#client = undefined;
    client?.close();
    // Not at once: a listener may dispose from inside one of the client's own calls.
    queueMicrotask(() => client?.free());
    this.#rejectAll(new ChatkeepError(DISPOSED));
  };

  /** Calls the client, once it is there. */
  #run(call: (client: Client) => void): void {
    if (this.#client) {
      call(this.#client);
    } else if (this.#state !== "disposed") {
      this.#queue.push(call);
      if (this.#state === "idle") this.#start();
    }
  }

  /** The same for a caller who waits for what comes of it. */
  #ask<T>(call: (client: Client, ticket: number) => void, result: (json: string) => T): Promise<T> {
    if (this.#state === "disposed") return quiet(Promise.reject(new ChatkeepError(DISPOSED)));
    this.#tickets += 1;
    const ticket = this.#tickets;
    const promise = new Promise<T>((resolve, reject) => {
      this.#waiting.set(ticket, { resolve: (json) => resolve(result(json)), reject });
    });
    this.#run((client) => call(client, ticket));
    return quiet(promise);
  }

  async #start(): Promise<void> {
    this.#state = "loading";
    try {
      const ClientClass = await load(this.#options.wasm);
      if (this.#hasEnded()) return;
      const { url = "", storage = browserStorage(), storageKey = "chatkeep" } = this.#options;
      this.#client = new ClientClass(this.#host(), url.replace(/\/+$/, ""), storage, storageKey);
    } catch (cause) {
      if (this.#hasEnded()) return;
      // The next call tries again.
      this.#state = "idle";
      const problem: Problem = {
        code: "load_failed",
        status: 0,
        retryable: true,
        detail: "the SDK could not be loaded",
      };
      this.#show(share(this.#snapshot, { ...this.#snapshot, problem }));
      this.#rejectAll(new ChatkeepError(problem, { cause }));
      return;
    }
    this.#state = "ready";
    const queue = this.#queue;
    this.#queue = [];
    this.#changed();
    for (const call of queue) this.#run(call);
  }

  #hasEnded(): boolean {
    return this.#state === "disposed";
  }

  /** What the client calls. */
  #host() {
    const { apiKey } = this.#options;
    return {
      changed: () => this.#changed(),
      done: (ticket: number, failed: boolean, json: string) => {
        const waiting = this.#waiting.get(ticket);
        this.#waiting.delete(ticket);
        if (failed) waiting?.reject(new ChatkeepError(JSON.parse(json) as Problem));
        else waiting?.resolve(json);
      },
      key: () => (typeof apiKey === "function" ? apiKey() : apiKey),
    };
  }

  #changed(): void {
    if (this.#client) this.#show(advance(this.#snapshot, this.#client.view()));
  }

  #show(snapshot: Snapshot): void {
    if (snapshot === this.#snapshot) return;
    this.#snapshot = snapshot;
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (error) {
        // One listener's mistake is not the others', and must not end in the middle of the machine.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  #rejectAll(error: ChatkeepError): void {
    this.#queue = [];
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }
}

const DISPOSED: Problem = { code: "disposed", status: 0, retryable: false, detail: "this client has been disposed of" };

/** Keeps a rejection that nobody waits for from being reported: the snapshot shows every failure. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** The browser's storage; none on a server, and none where the user forbids it. */
function browserStorage(): KeyValueStorage | null {
  try {
    return typeof document === "undefined" ? null : globalThis.localStorage;
  } catch {
    return null;
  }
}
