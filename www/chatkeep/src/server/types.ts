/** The public types of `chatkeep/server`: how to make a store, and what it can do. What it answers is the model's; see `answers.ts`. */

import type { Appended, HistoryPage, Message, Session, SessionPage, StoreHealth, WrittenState } from "./answers.js";

export type {
  Appended,
  HistoryPage,
  Message as StoredMessage,
  Session,
  Session as ListedSession,
  SessionPage,
  StoreHealth,
  WrittenState,
} from "./answers.js";

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json | undefined };

/** How to make a {@link Store}. Every option has a default; an option comes before the environment. */
export interface StoreOptions {
  /**
   * Where Redis is: `redis://` or `rediss://`, with user name, password and database where needed, or the `https://` URL of
   * an Upstash REST database. TCP needs Node and the npm package `redis`.
   */
  url?: string | undefined;
  /** The token of an Upstash REST database. */
  token?: string | undefined;
  /** Redis' address part by part, in place of a URL. */
  host?: string | undefined;
  /** Default: 6379. */
  port?: number | undefined;
  username?: string | undefined;
  /** Also the password of a URL that has none. */
  password?: string | undefined;
  /** The number of the database. Default: 0. */
  db?: number | undefined;
  /** For `rediss://`: what Node's `tls.connect` takes, such as `{ ca }`. */
  tls?: { ca?: string | Uint8Array; cert?: string; key?: string; servername?: string; rejectUnauthorized?: boolean };
  /** Keep sessions in this process, whatever the environment says of a Redis. */
  memory?: boolean | undefined;
  /** What every key begins with. No braces. Default: `chatkeep:`, as in the Worker. */
  keyPrefix?: string | undefined;
  /** How long a session lives after its last use, in seconds. Default: 3600. */
  ttlSeconds?: number | undefined;
  /** Whose sessions these are, in the keys. Default: `app`, as a Worker's callers with an API key. */
  owner?: string | undefined;
  /**
   * Keys that what is said is encrypted with at rest, as the Worker's `ENCRYPTION_KEYS`: `ID:KEY` with commas, each key 64 hex digits. The
   * first seals, all open; `off` in its place seals nothing.
   */
  encryptionKeys?: string | undefined;
  /** Refuse what is not encrypted. Default: `false`. */
  encryptionStrict?: boolean | undefined;
  /**
   * What happens while Redis can't be reached. `true`: the store goes on in memory, and tells Redis afterwards what changed.
   * `false`: calls fail with `store_unavailable`. Default: `true`.
   */
  fallback?: boolean | undefined;
  /**
   * Who hears what the store has to tell: `"json"` writes every line to the console, a function gets each line as an
   * object, `false` is silence. Default: warnings and errors, to the console.
   */
  logger?: "json" | false | ((line: LogLine) => void) | undefined;
  /** The least that is told. Default: `info` with a `logger`, else `warning`. */
  logLevel?: "debug" | "info" | "warning" | "error" | "off" | undefined;
  /** The variables to read. Default: `process.env`, where there is one. */
  env?: Readonly<Record<string, unknown>> | undefined;
}

/** A line of the store's log. It has no message text, state, token or key. */
export interface LogLine {
  /** RFC 3339, UTC. */
  readonly timestamp: string;
  readonly level: "DEBUG" | "INFO" | "WARNING" | "ERROR";
  readonly logger: string;
  readonly message: string;
  readonly component: string;
  /** Stable. */
  readonly event_type: string;
  readonly session_id?: string;
  readonly [more: string]: unknown;
}

/** A message to store. */
export interface NewMessage {
  role: Message["role"];
  content: string;
  /** Default: a minted one. */
  id?: string | undefined;
  /** The message that it answers. */
  parent?: string | undefined;
  metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** A question and its answer, stored together or not at all. */
export interface QuestionAnswer {
  question: string;
  answer: string;
  /** Kept in the answer's metadata as `sources`. */
  sources?: readonly unknown[] | undefined;
}

/** A state with the tag that names this writing of it. */
export interface TaggedState<T> {
  readonly state: T;
  readonly tag: string;
}

/** For a call that shall change nothing when it is made twice. */
export interface Keyed {
  /** The id of the operation: 1 to 128 of `A-Z a-z 0-9 _ . : -`. A session remembers the last 128. */
  key?: string | undefined;
}

/**
 * Sessions: each has a state of any JSON, messages, a title, and a time to live that every change renews. A session comes
 * into being with the first thing that is kept in it.
 *
 * Promises reject with a `ChatkeepError`. Ids are 1 to 128 of `A-Z a-z 0-9 _ . : -`, the first a letter or digit, and not `new`.
 */
export interface Store {
  /** Loads the module, checks the settings and looks whether Redis is there. Never required: the first call does it. */
  initialize(): Promise<void>;

  /** The session's state; `null` when there is none. */
  get<T = Json>(id: string): Promise<T | null>;
  /** Writes the session's state, in place of the one before, and renews its time to live. */
  set(id: string, state: unknown, options?: Keyed): Promise<void>;
  /**
   * Deletes the session; resolves to whether there was one. With `undo` it can be restored for ten minutes, and its id is
   * refused for as long.
   */
  delete(id: string, options?: { undo?: boolean }): Promise<boolean>;
  /** Renews the session's time to live; resolves to whether there is one. */
  refreshTTL(id: string): Promise<boolean>;
  /**
   * The session's state, or where there is none, this one, written. Of several callers at once one writes, in whatever
   * process, and all get what it wrote.
   */
  getOrCreate<T = Json>(id: string, initial: T | (() => T | Promise<T>)): Promise<T>;
  /** The sessions, newest activity first; with the named top-level members of their states. */
  list(options?: {
    fields?: readonly string[];
    limit?: number;
    cursor?: string | undefined;
    search?: string;
  }): Promise<SessionPage>;
  /** The last messages, oldest first; all that are kept without a limit. None when there is no such session. */
  getHistory(id: string, options?: { limit?: number }): Promise<Message[]>;
  /** Adds a message, or a question with its answer. */
  addMessage(id: string, message: NewMessage | QuestionAnswer, options?: Keyed): Promise<Appended>;

  /** A new session; 409 `session_exists` when there is one with this id. */
  create(session?: { id?: string; title?: string } & Keyed): Promise<Session>;
  /** Adds 1 to 100 messages, all of them or none. With `existing` only to a session that is there. */
  append(id: string, messages: readonly NewMessage[], options?: { existing?: boolean } & Keyed): Promise<Appended>;
  /** A page of messages: the newest, or those before a place. 404 `session_not_found` when there is no such session. */
  history(id: string, options?: { limit?: number; before?: string | undefined }): Promise<HistoryPage>;
  /** What the session is, without its messages. */
  info(id: string): Promise<Session>;
  /** Changes title, marks and metadata; what is absent stays, and what is empty removes what was there. */
  patch(
    id: string,
    changes: { title?: string; pinned?: boolean; archived?: boolean; metadata?: Readonly<Record<string, unknown>> },
    options?: Keyed,
  ): Promise<Session>;
  /** Renews the session's time to live. */
  touch(id: string): Promise<Session>;
  /** A new session with the messages up to one of them, all without `at`, and with the state and the metadata. */
  fork(id: string, options?: { at?: string; id?: string; title?: string } & Keyed): Promise<Session>;
  /** Removes the messages after one of them; all with `"-"`. */
  truncate(id: string, after: string, options?: Keyed): Promise<Session>;
  /** Takes back a session that was deleted with `undo`. */
  restore(id: string, options?: Keyed): Promise<Session>;
  /** The session's state and its tag; `null` when there is none. */
  readState<T = Json>(id: string): Promise<TaggedState<T> | null>;
  /** Writes the state on a condition: it is the one of `ifTag`, there is one, there is none. Else 412 `precondition_failed`. */
  writeState(
    id: string,
    state: unknown,
    options?: { ifTag?: string; ifPresent?: boolean; ifAbsent?: boolean } & Keyed,
  ): Promise<WrittenState>;
  /** Deletes all sessions; resolves to how many. */
  deleteAll(options?: { undo?: boolean }): Promise<number>;

  /** How the store is. Asks Redis. */
  getHealth(): Promise<StoreHealth>;
  /** Tells Redis what it doesn't know yet, if it can be reached, and ends the connection. */
  close(): Promise<void>;
}
