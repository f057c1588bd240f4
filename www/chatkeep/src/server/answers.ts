/** What the store machine answers. Written by `scripts/openapi` from the model: change it there. */

/** What an append stored. */
export interface Appended {
  /** It opened the session. */
  readonly created: boolean;
  /** The ids of the messages, in their order. */
  readonly messageIds: readonly string[];
  /** The session with them. */
  readonly session: Session;
}

/** A page of messages. */
export interface HistoryPage {
  /** The session. */
  readonly id: string;
  /** The messages that are kept. */
  readonly messageCount: number;
  /** Oldest first. */
  readonly messages: readonly Message[];
  /** What to give as `before` for the page of older ones; absent when there are none. */
  readonly nextBefore?: string;
  /** The messages that were ever stored. */
  readonly totalMessages: number;
}

/** One message. */
export interface Message {
  /** The plain text. */
  readonly content: string;
  /** When it was made: RFC 3339, UTC, milliseconds. */
  readonly created: string;
  /** Unique in its session. */
  readonly id: string;
  /** An object that the client attached, or the responder. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** A reply names the message that it answers. */
  readonly parent?: string;
  /** The parts of the AI SDK's message, an array: where it is more than its text. */
  readonly parts?: unknown;
  /** Who speaks. */
  readonly role: Role;
  /** A reply that broke off says how. */
  readonly status?: Status;
}

/**
 * Where a store keeps sessions.
 * - `upstash`: An Upstash REST database.
 * - `redis`: Redis, by TCP.
 * - `memory`: This process.
 */
export type Place = "upstash" | "redis" | "memory";

/**
 * Who speaks.
 * - `user`: The person.
 * - `assistant`: The responder.
 * - `system`: Instructions.
 */
export type Role = "user" | "assistant" | "system";

/** A session. Times are RFC 3339, UTC. */
export interface Session {
  /** It is put away. */
  readonly archived: boolean;
  /** When it was made. */
  readonly createdAt: string;
  /** When it goes, unless it is used before. */
  readonly expiresAt: string;
  /** Its id. */
  readonly id: string;
  /** The messages that are kept. */
  readonly messageCount: number;
  /** An object that somebody keeps with it; not in lists. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** It is marked as important. It expires all the same. */
  readonly pinned: boolean;
  /** Rises with every change; not in lists. */
  readonly revision?: number;
  /** In a list that asked for members of the state: those that it has; absent when there is no state. */
  readonly state?: Readonly<Record<string, unknown>>;
  /** Its title, where it has one. */
  readonly title?: string;
  /** The messages that were ever stored. */
  readonly totalMessages: number;
  /** The same in seconds from now, rounded up. */
  readonly ttlSeconds: number;
  /** The last change. */
  readonly updatedAt: string;
}

/** A page of sessions. */
export interface SessionPage {
  /** How many there are in all. */
  readonly count: number;
  /** Where the next page begins; absent on the last. */
  readonly nextCursor?: string;
  /** Newest activity first. */
  readonly sessions: readonly Session[];
  /** A search looked at the newest 1,000 sessions only, and there are more. */
  readonly truncated?: boolean;
}

/**
 * How a reply ended that didn't come to its own end.
 * - `stopped`: Someone stopped it: what had come until then is kept.
 * - `interrupted`: The responder, or the vault that ran the turn, broke off: what had come until then is kept.
 */
export type Status = "stopped" | "interrupted";

/** How the store is. */
export interface StoreHealth {
  /** Why it isn't connected. */
  readonly cause?: string;
  /** Redis answers. */
  readonly connected: boolean;
  /** The changes that Redis doesn't know yet. */
  readonly journaled: number;
  /** How long it took; `null` when it didn't. */
  readonly latencyMs: number | null;
  /** Where sessions are. */
  readonly store: Place;
  /** Redis can't be reached, and the store goes on in memory. */
  readonly usingFallback: boolean;
}

/** What a write of a state came to. */
export interface WrittenState {
  /** It opened the session. */
  readonly created: boolean;
  /** The session with it. */
  readonly session: Session;
  /** The tag that names this writing. */
  readonly tag: string;
}
