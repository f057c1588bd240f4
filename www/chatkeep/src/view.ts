/** What the session machine shows and answers. Written by `scripts/openapi` from the model: change it there. */

/** A message of the open session. */
export interface Message {
  /** The plain text. */
  readonly content: string;
  /** When it was made: RFC 3339, UTC. */
  readonly created: string;
  /** Unique in its session. */
  readonly id: string;
  /** What a client attached. */
  readonly metadata?: unknown;
  /** A reply names the message that it answers. */
  readonly parent?: string;
  /** Why it failed. */
  readonly problem?: Problem;
  /** Who speaks. */
  readonly role: Role;
  /** How it stands. */
  readonly status: MessageStatus;
}

/**
 * How a message stands.
 * - `stored`: The server has it.
 * - `pending`: It waits for its reply, or for the network.
 * - `streaming`: A reply that is still coming.
 * - `stopped`: A reply that the user stopped.
 * - `failed`: It got no reply. `retry` sends it again, `discard` takes it back; `problem` says why.
 */
export type MessageStatus = "stored" | "pending" | "streaming" | "stopped" | "failed";

/** Why something did not work. The codes are stable; the server's are listed in `docs/protocol.md`. */
export interface Problem {
  /**
   * The server's code, or one of the browser's side: `network`, `unexpected_answer`, `message_not_found`, `busy` (a
   * message of the session is on its way), `cancelled`, `load_failed`, `disposed`.
   */
  readonly code: string;
  /** For people. */
  readonly detail?: string;
  /** The same, tried again later, can succeed. */
  readonly retryable: boolean;
  /** The HTTP status; 0 when no answer came. */
  readonly status: number;
}

/** The answer to a message. */
export interface Reply {
  /** This turn opened the session. */
  readonly created: boolean;
  /** Why the responder ended it, where it says so: `stop`, `length`, `content-filter`, `tool-calls` or `other`. */
  readonly finish?: string;
  /** The message that this answers. */
  readonly messageId: string;
  /** The server had answered before; this is what it said then. */
  readonly replayed: boolean;
  /** The reply's own id. */
  readonly replyId: string;
  /** What the responder says. */
  readonly response: string;
  /** The session. */
  readonly sessionId: string;
  /** The user stopped it before its end. */
  readonly stopped: boolean;
}

/**
 * Who speaks.
 * - `user`: The person.
 * - `assistant`: The responder.
 * - `system`: Instructions.
 */
export type Role = "user" | "assistant" | "system";

/** A session's line in the list. Times are RFC 3339, UTC. */
export interface Session {
  /** The user put it away. */
  readonly archived: boolean;
  /** When it was made. */
  readonly createdAt: string;
  /** When it goes, unless it is used before. */
  readonly expiresAt: string;
  /** Its id. */
  readonly id: string;
  /** The messages that are kept. */
  readonly messageCount: number;
  /** The user marked it as important. It expires all the same. */
  readonly pinned: boolean;
  /** Its title, where it has one. */
  readonly title?: string;
  /** The messages that were ever stored. */
  readonly totalMessages: number;
  /** The last change. */
  readonly updatedAt: string;
}

/** Everything there is to show, of one moment. Frozen; what hasn't changed keeps its identity from one to the next. */
export interface Snapshot {
  /** The server answers, but can't reach its store at the moment: what is new is kept in its journal. */
  readonly degraded: boolean;
  /** There are more sessions than those here: `sessions({ more: true })`. */
  readonly hasMoreSessions: boolean;
  /** It has messages older than those here: `history({ older: true })`. */
  readonly hasOlder: boolean;
  /** Nobody keeps the open chat: no server, no storage, no other tab. */
  readonly incognito: boolean;
  /** Its history is being fetched. */
  readonly loading: boolean;
  /** The open session's messages, oldest first. */
  readonly messages: readonly Message[];
  /** There is a network, as far as the browser knows. Without one messages wait, as `pending`, until there is. */
  readonly online: boolean;
  /** Why the last thing that the user wanted did not work, or why the open session is gone. */
  readonly problem: Problem | null;
  /** The SDK is loaded and storage has been read. */
  readonly ready: boolean;
  /** Only sessions whose title contains this are shown; empty: all. */
  readonly search: string;
  /** A message of it waits for its reply. */
  readonly sending: boolean;
  /** The open session's line in the list, where that is known. */
  readonly session: Session | null;
  /** How many sessions there are in all. */
  readonly sessionCount: number;
  /** The open session; `null` in a new chat, until its first message is sent. */
  readonly sessionId: string | null;
  /** The sessions, newest activity first; only those found, while there is something in `search`. */
  readonly sessions: readonly Session[];
}
