/** The public types: how to make a client, and what it can do. What it shows and answers is the model's; see `view.ts`. */

import type { Message, Reply, Session, Snapshot } from "./view.js";

export type { Message, MessageStatus, Problem, Reply, Role, Session, Snapshot } from "./view.js";

/** Where the SDK keeps what survives a reload. `localStorage` is one. */
export interface KeyValueStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/**
 * What shows a server who is asking: a bearer token (of a signed-in user, or a visitor's), or an API key where the client
 * runs on a server. A browser should never hold an API key.
 */
export type Credential = string | { readonly apiKey: string } | null | undefined;

/** How to make a {@link Chatkeep}. Every option has a default. */
export interface ChatkeepOptions {
  /** Where the Chatkeep Worker is, such as `https://chat.example.com`. Default: the page's own origin. */
  url?: string | undefined;
  /**
   * Who is asking. A function is called before every request, and once more when the server refuses what it gave, so
   * that it can renew it. Default: nobody, until the server asks for credentials; then a visitor's token is fetched,
   * kept in `storage` and renewed in time.
   */
  auth?: Credential | ((refused: boolean) => Credential | Promise<Credential>);
  /** Where the open session and unsent messages are kept. Default: `localStorage` in a browser; `null`: only in memory. */
  storage?: KeyValueStorage | null | undefined;
  /**
   * What the keys in the storage begin with. Clients with the same one share their lists and unsent messages, across
   * tabs; two different chats on one page need two. Default: `chatkeep`.
   */
  storageKey?: string | undefined;
  /** The WebAssembly module, where the bundler does not find it by itself. The first client's choice counts for all. */
  wasm?: WasmSource | undefined;
  /** Not an option: requests are made with the `fetch` of the global scope. */
  fetch?: never;
}

/** A WebAssembly module: where it is, its bytes, or itself. */
export type WasmSource = string | URL | BufferSource | WebAssembly.Module;

/** A reply that comes in pieces. Iterate over it, or wait for `reply`, or both. */
export interface ReplyStream extends AsyncIterable<string> {
  /** The whole reply, once it is there. */
  readonly reply: Promise<Reply>;
}

/** What came of a claim. */
export interface Claimed {
  /** How many sessions are the user's now that were the visitor's. */
  readonly moved: number;
  /** Those that have another id now, because the user had a session of theirs: the old ids and the new ones. */
  readonly renamed: Readonly<Record<string, string>>;
}

/** How to begin a chat. */
export interface NewChatOptions {
  /** Nothing of the chat is kept anywhere. */
  incognito?: boolean | undefined;
  /** Not an option; events have it, so that `onClick={newChat}` type checks. */
  readonly type?: string;
}

/** How a reply is wanted. */
export interface ReplyOptions {
  /** Have the reply in pieces: the snapshot then shows it grow. */
  stream?: boolean | undefined;
  /** Called with each piece of the reply; has an effect with `stream` only. */
  onPiece?: ((text: string) => void) | undefined;
}

/** What can be said along with a message. */
export interface SendOptions extends ReplyOptions {
  /** The message's id: unique in its session, and what makes a repetition the same message. Default: a new one. */
  id?: string | undefined;
  /** A JSON object to keep with the message. */
  metadata?: object | undefined;
}

/**
 * Chat sessions in the browser. Every method is bound, so it can be passed on by itself.
 *
 * Promises reject with a `ChatkeepError`. Nobody has to catch it: whatever fails shows in the snapshot as well.
 */
export interface Chatkeep {
  /**
   * Begins an empty chat. Its session comes into being with the first message; an incognito chat has none: nothing of it
   * is kept anywhere.
   */
  newChat(options?: NewChatOptions): void;
  /**
   * Sends a message to the open session, or opens one with it. It shows at once, as `pending`, and its session's id is
   * in the snapshot at once too. Without a network it waits for one, across reloads. The promise waits as long.
   */
  send(text: string, options?: SendOptions): Promise<Reply>;
  /**
   * The same, with the reply in pieces.
   *
   * @example
   * ```ts
   * for await (const piece of chat.stream("Hello")) output.textContent += piece;
   * ```
   */
  stream(text: string, options?: Omit<SendOptions, keyof ReplyOptions>): ReplyStream;
  /** Ends the reply that is coming; what has come of it stays. A message that still waits is taken back. */
  stop(): Promise<void>;
  /** Sends a failed message again, under its id: the server never takes it twice. */
  retry(messageId: string): Promise<Reply>;
  /** Takes back a message that has failed or still waits. Rejects with `busy` when it is on its way; see {@link stop}. */
  discard(messageId: string): Promise<void>;
  /** Says one of the user's messages differently: it goes, with all that came after it, and the new one is sent. */
  edit(messageId: string, text: string, options?: ReplyOptions): Promise<Reply>;
  /** Has another reply instead of this one (or of the one to this message), or of the last one. */
  regenerate(messageId?: string, options?: ReplyOptions): Promise<Reply>;
  /** Opens a session; resolves when its newest messages are here. */
  open(sessionId: string): Promise<void>;
  /** Reads the open session's newest messages again, or the page before the oldest one here. */
  history(options?: { older?: boolean | undefined }): Promise<readonly Message[]>;
  /**
   * Reads the list of sessions from the server; `more`: the page after those here. With `search` the list shows only
   * sessions whose title contains that, until it is called with an empty one.
   */
  sessions(options?: { more?: boolean | undefined; search?: string | undefined }): Promise<readonly Session[]>;
  /** Gives a session a title; an empty one takes it away. */
  rename(sessionId: string, title: string): Promise<Session>;
  /** Marks a session as important, or no longer. */
  pin(sessionId: string, pinned?: boolean): Promise<Session>;
  /** Puts a session away, or back. */
  archive(sessionId: string, archived?: boolean): Promise<Session>;
  /** Deletes a session. For a while {@link restore} brings it back. */
  delete(sessionId: string): Promise<void>;
  /** Brings a deleted session back. */
  restore(sessionId: string): Promise<Session>;
  /** Copies a session (default: the open one), up to a message or whole. {@link open} shows the copy. */
  fork(options?: {
    sessionId?: string | undefined;
    at?: string | undefined;
    title?: string | undefined;
  }): Promise<Session>;
  /** Everything of a session, or of all, as NDJSON; `POST /v1/import` takes it back. */
  export(sessionId?: string): Promise<string>;
  /** The agent's state of a session (default: the open one); `undefined` where there is none. */
  state(sessionId?: string): Promise<unknown>;
  /** Writes the agent's state: any JSON but `null`. */
  setState(state: unknown, sessionId?: string): Promise<void>;
  /**
   * After signing in: makes the sessions of the visitor whom this browser was (or whose token is given) the user's, whom `auth` shows.
   * Resolves when all of them have come and the list has them; other tabs read theirs again too. Where there was no visitor, none come.
   */
  claim(visitorToken?: string): Promise<Claimed>;
  /** Makes a session of the open incognito chat, with all that was said in it. */
  keep(): Promise<void>;
  /** Calls the listener after every change of the snapshot, until the returned function is called. */
  subscribe(listener: () => void): () => void;
  /** What there is to show; the same object until something changes. */
  getSnapshot(): Snapshot;
  /** What a server renders, and a browser before it is ready. */
  getServerSnapshot(): Snapshot;
  /** Ends the client: listeners hear nothing more and waiting promises reject with `disposed`. */
  dispose(): void;
}
