/** The client: gives the session machine the user's wishes and holds the promises and listeners that wait for it. */

import type { Client, ClientHost } from "../wasm/chatkeep_sdk.js";
import { credentials, forgetVisitor, visitorToken } from "./credentials.js";
import { ChatkeepError } from "./error.js";
import { Requests } from "./http.js";
import { LINK, type Link } from "./link.js";
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
  ReplyStream,
  SendOptions,
  Session,
  Snapshot,
} from "./types.js";
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
    this.#wish("send", { text: String(text), ...options }, reply);

  stream = (text: string, options?: Omit<SendOptions, "stream">): ReplyStream =>
    new Pieces((piece) => this.#wish("send", { text: String(text), ...options, stream: true }, reply, piece));

  stop = (): Promise<void> => this.#wish("stop", {}, nothing);

  retry = (messageId: string): Promise<Reply> => this.#wish("retry", { message: messageId }, reply);

  discard = (messageId: string): Promise<void> => this.#wish("discard", { message: messageId }, nothing);

  edit = (messageId: string, text: string, options?: Pick<SendOptions, "stream">): Promise<Reply> =>
    this.#wish("edit", { message: messageId, text: String(text), ...options }, reply);

  regenerate = (messageId?: string, options?: Pick<SendOptions, "stream">): Promise<Reply> =>
    this.#wish("regenerate", { message: messageId, ...options }, reply);

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
        if (error.code !== "state_not_found") throw error;
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
    this.#tab?.tell(CLAIMED);
    await this.sessions();
    return claimed;
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
    this.#tickets += 1;
    const ticket = this.#tickets;
    const promise = new Promise<T>((resolve, reject) => {
      this.#waiting.set(ticket, { resolve: (json) => resolve(result(json)), reject, piece });
    });
    this.#run((client) => client.wish(ticket, name, wish));
    return quiet(promise);
  }

  async #start(): Promise<void> {
    this.#state = "loading";
    try {
      const { auth, wasm } = this.#options;
      const [storage, storageKey] = this.#kept();
      const url = (this.#options.url ?? "").replace(/\/+$/, "");
      const shared = storage !== null && storage === browserStorage() ? storage : null;
      const [ClientClass, tab] = await Promise.all([
        this.#load(wasm),
        joinTabs(
          storageKey,
          shared,
          (news) => (news === CLAIMED ? void this.sessions() : this.#client?.hear(news)),
          () => this.#adopt(),
        ),
      ]);
      if (this.#hasEnded()) return tab.leave();
      this.#tab = tab;
      this.#requests = new Requests(url, credentials(auth, url, storage, storageKey), () => this.#client);
      const slot = tab.slot === undefined ? null : storage;
      this.#client = new ClientClass(this.#host(this.#requests), slot, tab.slot ?? "", isOnline());
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
    globalThis.addEventListener?.("online", this.#network);
    globalThis.addEventListener?.("offline", this.#network);
    const queue = this.#queue;
    this.#queue = [];
    this.#changed(false);
    for (const call of queue) this.#run(call);
    this.#adopt();
  }

  #hasEnded(): boolean {
    return this.#state === "disposed";
  }

  #network = (): void => {
    this.#client?.network(isOnline());
    this.#adopt();
  };

  /** Takes over what tabs that are gone have left. */
  #adopt(): void {
    this.#tab?.adopt((stored) => this.#client?.adopt(stored)).catch(() => {});
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
const CLAIMED = '{"news":"claimed"}';

const DISPOSED: Problem = { code: "disposed", status: 0, retryable: false, detail: "this client has been disposed of" };

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
