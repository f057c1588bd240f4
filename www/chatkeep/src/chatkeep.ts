/** The client: gives the session machine the user's wishes and holds the promises and listeners that wait for it. */

import type { Client, ClientHost } from "../wasm/chatkeep_sdk.js";
import { credentials, forgetVisitor, visitorToken } from "./credentials.js";
import { ChatkeepError } from "./error.js";
import { Requests } from "./http.js";
import { LINK, type Link } from "./link.js";
import { toPlain } from "./plain.js";
import { advance, EMPTY, share } from "./snapshot.js";
import { Pieces } from "./stream.js";
import { joinTabs, type Tab } from "./tabs.js";
import type {
  Chatkeep,
  ChatkeepOptions,
  Claimed,
  KeyValueStorage,
  NewChatOptions,
  Problem,
  Reply,
  ReplyOptions,
  ReplyStream,
  SendOptions,
  Session,
  Snapshot,
} from "./types.js";
import { UnsentMessages } from "./unsent.js";
import type { Load } from "./wasm.js";

interface Waiting {
  resolve(json: string): void;
  reject(error: ChatkeepError): void;
  piece?: ((text: string) => void) | undefined;
}

type Arguments = Record<string, unknown>;

/** A {@link Chatkeep} on the WebAssembly module. Nothing is loaded before somebody subscribes or calls. */
export class WasmChatkeep implements Chatkeep {
  readonly #options: ChatkeepOptions;
  readonly #load: Load;
  readonly #listeners = new Set<() => void>();
  readonly #waiting = new Map<number, Waiting>();
  /** What was called before the module was there. */
  #queue: ((client: Client) => void)[] = [];
  #state: "idle" | "loading" | "ready" | "disposed" = "idle";
  #client: Client | undefined;
  #requests: Requests | undefined;
  #tab: Tab | undefined;
  /** The sends in the queue. */
  #sends: Arguments[] = [];
  /** The messages that wait for a module that could not be loaded. */
  #unsent: UnsentMessages | undefined;
  #loadPause = FIRST_LOAD_PAUSE_MS;
  #snapshot = EMPTY;
  #tickets = 0;
  /** The next frame shows what has come of a reply. */
  #frame = false;

  constructor(options: ChatkeepOptions, load: Load) {
    this.#options = options;
    this.#load = load;
  }

  newChat = (options?: NewChatOptions): void => {
    this.#wish("newChat", { incognito: options?.incognito === true });
  };

  send = (text: string, options?: SendOptions): Promise<Reply> =>
    this.#wish("send", message(text, options), reply, options?.onPiece);

  stream = (text: string, options?: Omit<SendOptions, keyof ReplyOptions>): ReplyStream =>
    new Pieces((piece) => this.#wish("send", { ...message(text, options), stream: true }, reply, piece));

  stop = (): Promise<void> => this.#wish("stop", {}, nothing);

  retry = (messageId: string): Promise<Reply> => this.#wish("retry", { message: messageId }, reply);

  discard = (messageId: string): Promise<void> => this.#wish("discard", { message: messageId }, nothing);

  edit = (messageId: string, text: string, options?: ReplyOptions): Promise<Reply> =>
    this.#wish("edit", { message: messageId, text, stream: options?.stream }, reply, options?.onPiece);

  regenerate = (messageId?: string, options?: ReplyOptions): Promise<Reply> =>
    this.#wish("regenerate", { message: messageId, stream: options?.stream }, reply, options?.onPiece);

  open = (sessionId: string): Promise<void> => this.#wish("open", { session: sessionId }, nothing);

  history = (options?: { older?: boolean | undefined }): Promise<Snapshot["messages"]> =>
    this.#wish("history", { ...options }, () => this.#snapshot.messages);

  sessions = (options?: { more?: boolean | undefined; search?: string | undefined }): Promise<Snapshot["sessions"]> =>
    this.#wish("sessions", { ...options }, () => this.#snapshot.sessions);

  rename = (sessionId: string, title: string): Promise<Session> => this.#patch(sessionId, { title: String(title) });

  pin = (sessionId: string, pinned = true): Promise<Session> => this.#patch(sessionId, { pinned });

  archive = (sessionId: string, archived = true): Promise<Session> => this.#patch(sessionId, { archived });

  delete = (sessionId: string): Promise<void> => this.#wish("delete", { session: sessionId }, nothing);

  restore = (sessionId: string): Promise<Session> => this.#wish("restore", { session: sessionId }, this.#session);

  fork: Chatkeep["fork"] = (options) =>
    this.#wish("fork", { session: options?.sessionId, message: options?.at, title: options?.title }, this.#session);

  export = (sessionId?: string): Promise<string> => this.#wish("export", { session: sessionId }, JSON.parse);

  state = (sessionId?: string): Promise<unknown> =>
    quiet(
      this.#wish("state", { session: sessionId }, JSON.parse).catch((error: ChatkeepError) => {
        // A new chat has no state either.
        const none = sessionId === undefined && error.code === "invalid_session_id";
        if (!none && error.code !== "state_not_found") throw error;
      }),
    );

  setState = (state: unknown, sessionId?: string): Promise<void> =>
    this.#wish("setState", { session: sessionId, state }, nothing);

  claim = (token?: string): Promise<Claimed> => quiet(this.#claim(token));

  keep = (): Promise<void> => this.#wish("keep", {}, nothing);

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

  /** For the package's other entries. */
  [LINK] = (): Promise<Link> => new Promise((resolve) => this.#run(() => resolve(this.#requests as Link)));

  dispose = (): void => {
    if (this.#state === "disposed") return;
    this.#state = "disposed";
    this.#listeners.clear();
    globalThis.removeEventListener?.("online", this.#network);
    globalThis.removeEventListener?.("offline", this.#network);
    const client = this.#client;
    this.#client = undefined;
    this.#requests?.end();
    this.#tab?.leave();
    // Not at once: a listener may dispose from inside one of the client's own calls.
    queueMicrotask(() => client?.free());
    this.#rejectAll(new ChatkeepError(DISPOSED));
  };

  async #claim(given: string | undefined): Promise<Claimed> {
    // With what is asked the client is there, and shows whom it is for.
    await this.sessions();
    const [storage, key] = this.#kept();
    const kept = visitorToken(storage, key);
    const token = given ?? kept;
    const claimed = await (this.#requests as Requests).claim(token).catch((error: ChatkeepError) => {
      // Nobody was a visitor, by a cookie neither.
      if (!token && error.code === "invalid_body") return { moved: 0, renamed: {} };
      throw error;
    });
    if (token === kept) forgetVisitor(storage, key);
    this.#tab?.tell(JSON.stringify({ news: CLAIMED, renamed: claimed.renamed }));
    await this.#readAgain(claimed.renamed);
    return claimed;
  }

  /** Reads the list and the open chat again, which have become the user's. */
  async #readAgain(renamed: Claimed["renamed"]): Promise<void> {
    const open = this.#snapshot.sessionId;
    const history = open && this.open(renamed[open] ?? open).catch(() => {});
    await Promise.all([this.sessions(), history]);
  }

  /** Hears what another tab tells. */
  #hear(news: string): void {
    if (news.startsWith(CLAIMED_PREFIX)) void this.#readAgain(JSON.parse(news).renamed).catch(() => {});
    else this.#client?.hear(news);
  }

  /** Where something is kept, and under which key. */
  #kept(): [KeyValueStorage | null, string] {
    const { storage = browserStorage(), storageKey = "chatkeep" } = this.#options;
    return [storage, storageKey];
  }

  #patch(session: string, changes: Arguments): Promise<Session> {
    return this.#wish("patch", { session, changes }, this.#session);
  }

  /** The session that an answer is about. */
  #session = (json: string): Session => {
    const id = JSON.parse(json) as string;
    const { session, sessions } = this.#snapshot;
    return sessions.find((other) => other.id === id) ?? (session as Session);
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
  #wish<T>(
    name: string,
    wish: Arguments,
    result: (json: string) => T = nothing as () => T,
    piece?: (text: string) => void,
  ): Promise<T> {
    if (this.#state === "disposed") return quiet(Promise.reject(new ChatkeepError(DISPOSED)));
    if ("text" in wish && typeof wish.text !== "string") {
      const given = wish.text === null ? "null" : typeof wish.text;
      return quiet(Promise.reject(new TypeError(`${name} takes the message as a string, and was given ${given}`)));
    }
    let plain: Arguments;
    try {
      plain = toPlain(wish);
    } catch (error) {
      return quiet(Promise.reject(error));
    }
    if (name === "setState" && plain.state === undefined) {
      const problem = { code: "invalid_call", status: 0, retryable: false, detail: "state: JSON can't hold undefined" };
      return quiet(Promise.reject(new ChatkeepError(problem)));
    }
    if (name === "send" && !this.#client) this.#sends.push(plain);
    const ticket = this.#nextTicket();
    const promise = new Promise<T>((resolve, reject) => {
      this.#waiting.set(ticket, { resolve: (json) => resolve(result(json)), reject, piece });
    });
    this.#run((client) => client.wish(ticket, name, plain));
    return quiet(promise);
  }

  async #start(): Promise<void> {
    this.#state = "loading";
    try {
      const { auth, wasm } = this.#options;
      const [storage, storageKey] = this.#kept();
      const url = (this.#options.url ?? "").replace(/\/+$/, "");
      const loading = quiet(this.#load(wasm));
      const tab = await this.#join(storage, storageKey);
      const ClientClass = await loading;
      if (this.#hasEnded()) return;
      this.#requests = new Requests(url, credentials(auth, url, storage, storageKey), () => this.#client);
      const slot = tab.slot === undefined ? null : storage;
      this.#client = new ClientClass(this.#host(this.#requests), slot, tab.slot ?? "", isOnline());
    } catch (cause) {
      if (this.#hasEnded()) return;
      // The next call tries again.
      this.#state = "idle";
      for (const send of this.#sends.splice(0)) this.#unsent?.add(send);
      const problem: Problem = { code: "load_failed", status: 0, retryable: true, detail: loadFailure(cause) };
      const messages = this.#unsent?.shown ?? [];
      this.#show(share(this.#snapshot, { ...this.#snapshot, problem, messages }));
      this.#rejectAll(new ChatkeepError(problem, { cause }));
      if (messages.length > 0) this.#loadLater();
      return;
    }
    this.#state = "ready";
    this.#sends = [];
    for (const send of this.#unsent?.takeAll() ?? []) this.#client.wish(this.#nextTicket(), "send", send);
    const queue = this.#queue;
    this.#queue = [];
    this.#changed(false);
    for (const call of queue) this.#run(call);
    this.#adopt();
  }

  /** Takes this tab's place among the others, once. */
  async #join(storage: KeyValueStorage | null, storageKey: string): Promise<Tab> {
    if (this.#tab) return this.#tab;
    const shared = storage !== null && storage === browserStorage() ? storage : null;
    const hear = (news: string) => this.#hear(news);
    const tab = await joinTabs(storageKey, shared, hear, () => this.#adopt());
    if (this.#hasEnded()) {
      tab.leave();
    } else {
      this.#tab = tab;
      this.#unsent = new UnsentMessages(tab.slot === undefined ? null : storage, tab.slot ?? "");
      globalThis.addEventListener?.("online", this.#network);
      globalThis.addEventListener?.("offline", this.#network);
    }
    return tab;
  }

  /** Loads the module again after a pause: messages wait for it. */
  #loadLater(): void {
    this.#loadPause = Math.min(this.#loadPause * 2, LONGEST_LOAD_PAUSE_MS);
    const timer = setTimeout(() => this.#run(() => {}), this.#loadPause);
    // Node would wait for it.
    (timer as { unref?(): void }).unref?.();
  }

  #hasEnded(): boolean {
    return this.#state === "disposed";
  }

  #network = (): void => {
    if (this.#client) this.#client.network(isOnline());
    else if (isOnline()) this.#run(() => {});
    this.#adopt();
  };

  /** Takes over what tabs that are gone have left. */
  #adopt(): void {
    const take = (stored: string) => this.#client?.adopt(stored);
    const takeUnsent = (stored: string) => {
      this.#unsent?.adopt(stored);
      for (const send of this.#unsent?.takeAll() ?? []) this.#client?.wish(this.#nextTicket(), "send", send);
    };
    if (this.#client) this.#tab?.adopt(take, takeUnsent).catch(() => {});
  }

  #nextTicket(): number {
    this.#tickets += 1;
    return this.#tickets;
  }

  /** What the client calls. */
  #host(requests: Requests): ClientHost {
    return {
      changed: (partly) => this.#changed(partly),
      delta: (ticket, text) => this.#waiting.get(ticket)?.piece?.(text),
      done: (ticket, failed, json) => {
        const waiting = this.#waiting.get(ticket);
        this.#waiting.delete(ticket);
        if (failed) waiting?.reject(new ChatkeepError(JSON.parse(json) as Problem));
        else waiting?.resolve(json);
      },
      tell: (news) => this.#tab?.tell(news),
      ask: (...request) => void requests.ask(...request),
      abort: (token) => requests.abort(token),
      wait: (token, ms) => void setTimeout(() => this.#client?.woke(token), ms),
    };
  }

  #changed(partly: boolean): void {
    if (!partly) {
      if (this.#client) this.#show(advance(this.#snapshot, this.#client.view()));
    } else if (!this.#frame) {
      this.#frame = true;
      nextFrame(() => {
        this.#frame = false;
        this.#changed(false);
      });
    }
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

/** Tells other tabs that sessions have changed hands. */
const CLAIMED = "claimed";
const CLAIMED_PREFIX = `{"news":"${CLAIMED}"`;

const DISPOSED: Problem = {
  code: "disposed",
  status: 0,
  retryable: false,
  detail: "this client has been disposed of: make a new one with createChatkeep",
};

/** The arguments of a message to send, without the options of its reply. */
function message(text: string, options: SendOptions | undefined): Arguments {
  return { text, message: options?.id, metadata: options?.metadata, stream: options?.stream };
}

/** The pauses before the module is loaded again: each twice as long, from twice the first to the longest. */
const FIRST_LOAD_PAUSE_MS = 500;
const LONGEST_LOAD_PAUSE_MS = 60_000;

/** Says why the module could not be loaded, and what to do. */
function loadFailure(cause: unknown): string {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const hint = /unsafe-eval|Content Security Policy/i.test(reason)
    ? ": allow 'wasm-unsafe-eval' in the script-src of the page's Content-Security-Policy"
    : /magic|mime/i.test(reason)
      ? ": the address of the .wasm file answers something else. With Vite 5 to 7 set optimizeDeps.exclude to " +
        '["chatkeep"], or give the option `wasm`'
      : "";
  return `the SDK's WebAssembly module could not be loaded${hint} (${reason}). Messages wait until it can be`;
}

const reply = (json: string): Reply => Object.freeze(JSON.parse(json) as Reply);

const nothing = (): void => {};

/** Keeps a rejection that nobody waits for from being reported: the snapshot shows every failure. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Whether there is a network; where nobody knows, there is. */
function isOnline(): boolean {
  return globalThis.navigator?.onLine !== false;
}

/** Waits for the next frame; a page that isn't shown has none. */
function nextFrame(call: () => void): void {
  if (globalThis.document?.visibilityState === "visible") requestAnimationFrame(call);
  else setTimeout(call, 50);
}

/** The browser's storage; none on a server, and none where the user forbids it. */
function browserStorage(): KeyValueStorage | null {
  try {
    return typeof document === "undefined" ? null : globalThis.localStorage;
  } catch {
    return null;
  }
}
