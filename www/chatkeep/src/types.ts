/** The public types. What comes from the session machine is checked against its committed example in the tests. */

/** Where the SDK keeps what survives a reload. `localStorage` is one. */
export interface KeyValueStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** How to make a {@link Chatkeep}. Every option has a default. */
export interface ChatkeepOptions {
  /** Where the Chatkeep Worker is, such as `https://chat.example.com`. Default: the page's own origin. */
  url?: string | undefined;
  /** The API key, where the Worker asks for one; a function is asked before every request. */
  apiKey?: string | (() => string | undefined | Promise<string | undefined>) | undefined;
  /** Where the open session and unsent messages are kept. Default: `localStorage` in a browser; `null`: only in memory. */
  storage?: KeyValueStorage | null | undefined;
  /** The key in the storage. Two chats on one page need two keys. Default: `chatkeep`. */
  storageKey?: string | undefined;
  /** The WebAssembly module, where the bundler does not find it by itself. The first client's choice counts for all. */
  wasm?: string | URL | BufferSource | WebAssembly.Module | undefined;
  /** Not an option: requests are made with the `fetch` of the global scope. */
  fetch?: never;
}

/** Why something did not work. The codes are stable. */
export interface Problem {
  /** The server's code, or one of the browser's side: `network`, `unexpected_answer`, `message_not_found`, `load_failed`, `disposed`. */
  readonly code: string;
  /** The HTTP status; 0 when no answer came. */
  readonly status: number;
  /** The same, tried again later, can succeed. */
  readonly retryable: boolean;
  /** For people. */
  readonly detail?: string;
}

/** A message of the open session. */
export interface Message {
  /** Unique in its session. */
  readonly id: string;
  /** Who speaks. */
  readonly role: "user" | "assistant" | "system";
  /** The plain text. */
  readonly content: string;
  /** When it was made: RFC 3339, UTC. */
  readonly created: string;
  /** A reply names the message that it answers. */
  readonly parent?: string;
  /** What a client attached. */
  readonly metadata?: unknown;
  /** `pending`: waits for its reply. `failed`: got none; see `problem` and {@link Chatkeep.retry}. */
  readonly status: "stored" | "pending" | "failed";
  /** Why it failed. */
  readonly problem?: Problem;
}

/** A session's line in the list. Times are RFC 3339, UTC. */
export interface Session {
  readonly id: string;
  readonly title?: string;
  /** The messages that are kept. */
  readonly messageCount: number;
  /** The messages that were ever stored. */
  readonly totalMessages: number;
  readonly createdAt: string;
  /** The last change. */
  readonly updatedAt: string;
  /** When it goes, unless it is used before. */
  readonly expiresAt: string;
}

/** Everything there is to show, of one moment. Frozen; what hasn't changed keeps its identity from one to the next. */
export interface Snapshot {
  /** The SDK is loaded and storage has been read. */
  readonly ready: boolean;
  /** The open session; `null` in a new chat, until its first message is sent. */
  readonly sessionId: string | null;
  /** The open session's line in the list, where that is known. */
  readonly session: Session | null;
  /** The open session's messages, oldest first. */
  readonly messages: readonly Message[];
  /** A message of the open session waits for its reply. */
  readonly sending: boolean;
  /** The open session's history is being fetched. */
  readonly loading: boolean;
  /** There are messages older than those here: `history({ older: true })`. */
  readonly hasOlder: boolean;
  /** The sessions, newest activity first. */
  readonly sessions: readonly Session[];
  /** How many sessions there are in all. */
  readonly sessionCount: number;
  /** Why the last thing that the user wanted did not work, or why the open session is gone. */
  readonly problem: Problem | null;
}

/** The answer to a message. */
export interface Reply {
  /** What the responder says. */
  readonly response: string;
  readonly sessionId: string;
  /** The message that this answers. */
  readonly messageId: string;
  /** The reply's own id. */
  readonly replyId: string;
  /** This turn opened the session. */
  readonly created: boolean;
  /** The server had answered before; this is what it said then. */
  readonly replayed: boolean;
}

/**
 * Chat sessions in the browser. Every method is bound, so it can be passed on by itself.
 *
 * Promises reject with a `ChatkeepError`. Nobody has to catch it: whatever fails shows in the snapshot as well.
 */
export interface Chatkeep {
  /** Begins an empty chat. Its session comes into being with the first message. */
  newChat(): void;
  /** Sends a message to the open session, or opens one with it. It shows at once, as `pending`. */
  send(text: string): Promise<Reply>;
  /** Sends a failed message again, under its id: the server never takes it twice. */
  retry(messageId: string): Promise<Reply>;
  /** Opens a session; resolves when its newest messages are here. */
  open(sessionId: string): Promise<void>;
  /** Reads the open session's newest messages again, or the page before the oldest one here. */
  history(options?: { older?: boolean }): Promise<readonly Message[]>;
  /** Reads the list of sessions from the server. */
  sessions(): Promise<readonly Session[]>;
  /** Deletes a session. */
  delete(sessionId: string): Promise<void>;
  /** Calls the listener after every change of the snapshot, until the returned function is called. */
  subscribe(listener: () => void): () => void;
  /** What there is to show; the same object until something changes. */
  getSnapshot(): Snapshot;
  /** What a server renders, and a browser before it is ready. */
  getServerSnapshot(): Snapshot;
  /** Ends the client: listeners hear nothing more and waiting promises reject with `disposed`. */
  dispose(): void;
}
