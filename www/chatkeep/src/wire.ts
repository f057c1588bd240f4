/** The bodies of the HTTP API, as `docs/protocol.md` has them. Written by `scripts/openapi` from the model: change it there. */

/** What happened in a minute. */
export interface ActivityMinute {
  /** RFC 3339: its beginning. */
  readonly at: string;
  /** Of which so many with a status of 500 or more. */
  readonly failures: number;
  /** Requests answered. */
  readonly requests: number;
  /** Round trips to the store. */
  readonly store_calls: number;
  /** How long those took together, in milliseconds. */
  readonly store_ms: number;
  /** Questions to the responder. */
  readonly turns: number;
}

/** The answer to `DELETE /v1/admin/sessions`. */
export interface AdminDeleted {
  /** How many sessions are gone. */
  readonly deleted: number;
  /** Where to go on; absent when none is left. */
  readonly next_cursor?: string;
}

/** A session as operators see it. */
export interface AdminSession {
  /** It is out of the way. */
  readonly archived?: boolean;
  /** The bytes of the stored texts of the messages that are kept; not in lists. */
  readonly bytes?: number;
  /** RFC 3339. */
  readonly created_at: string;
  /** RFC 3339: when it goes, unless it is used before. */
  readonly expires_at: string;
  /** The same, from now, rounded up to whole seconds. */
  readonly expires_in_seconds: number;
  /** The messages that are kept. */
  readonly message_count: number;
  /** Whose it is. */
  readonly owner: string;
  /** It stands out in the list. */
  readonly pinned?: boolean;
  /** Rises with every change; not in lists. */
  readonly revision?: number;
  /** Its id. */
  readonly session_id: string;
  /** Its title, where it has one. */
  readonly title?: string;
  /** The messages that were ever stored. */
  readonly total_messages: number;
  /** RFC 3339: the last change. */
  readonly updated_at: string;
  /** For which of its own users the caller keeps it. */
  readonly user_id?: string;
}

/** The answer to `GET /v1/admin/sessions`. */
export interface AdminSessionList {
  /** Where the next page begins; absent on the last. */
  readonly next_cursor?: string;
  /** Owner by owner, of each the longest unused first. Titles are there where operators may read texts. */
  readonly sessions: readonly AdminSession[];
}

/** The answer to `GET /v1/admin/stats`: what the sessions come to that it has looked at. */
export interface AdminStats {
  /** The deployment's last minutes in which something happened, oldest first; only with the first page. */
  readonly activity?: readonly ActivityMinute[];
  /** The bytes of those messages' stored texts. */
  readonly bytes: number;
  /** Sessions that end soon, unless they are used. */
  readonly expiring_soon: number;
  /** The messages that they keep. */
  readonly messages: number;
  /** What every key of the namespace begins with. */
  readonly namespace: string;
  /** Where to go on: what comes then is to be added. Absent when all has been looked at. */
  readonly next_cursor?: string;
  /** Owners who have sessions. */
  readonly owners: number;
  /** What Redis says of itself, as far as it does; only with the first page. */
  readonly redis?: RedisFigures;
  /** Live sessions. */
  readonly sessions: number;
  /** What soon is. */
  readonly soon_seconds: number;
  /** `upstash` or `vault`. */
  readonly store: string;
  /** Titles and messages are shown to operators too. */
  readonly texts: boolean;
  /** Sessions by the eighth of that time that they have left, the least first. */
  readonly ttl_left: readonly number[];
  /** How long a session lives after its last use. */
  readonly ttl_seconds: number;
}

/** `POST /v1/sessions/{id}/messages` with `messages`. With `message` it is a turn: see `ChatRequest`. */
export interface AppendRequest {
  /** The session must exist already. */
  readonly existing?: boolean | null;
  /** At most `APPENDED_MESSAGES`, oldest first. */
  readonly messages?: readonly AppendedMessage[] | null;
}

/** The answer to an append. */
export interface AppendResponse {
  /** This append opened the session. */
  readonly created?: boolean;
  /** The ids of the messages, in their order. */
  readonly message_ids: readonly string[];
  /** The session with them. */
  readonly session: SessionBody;
}

/** One message of `AppendRequest`. */
export interface AppendedMessage {
  /** The plain text. */
  readonly content: string;
  /** Its id; absent lets the server mint one. */
  readonly id?: string | null;
  /** An object to keep on it. */
  readonly metadata?: Readonly<Record<string, unknown>> | null;
  /** The message that it answers. */
  readonly parent?: string | null;
  /** Who speaks. */
  readonly role: Role;
}

/** How the archive is. */
export interface ArchiveHealth {
  /** All that is older than so many seconds is archived, but for what was refused; absent before the first look through began. */
  readonly lag_seconds?: number;
  /** `interval` or `write-through`. */
  readonly mode: string;
  /** The sessions of which the archive refuses something. */
  readonly refused: number;
  /** `d1` or `postgrest`. */
  readonly target: string;
}

/** `POST /v1/chat`. */
export interface ChatRequest {
  /** What came before an incognito turn: an array of `ContextMessage`. */
  readonly context?: readonly unknown[] | null;
  /** An edit: first remove every message after the one with this id; `-` removes all. */
  readonly cut_after?: string | null;
  /** The session must exist already: a client says so after its first message. */
  readonly existing?: boolean | null;
  /** Nothing of the turn is kept. */
  readonly incognito?: boolean | null;
  /** What the user says. */
  readonly message?: string | null;
  /** The message's id, minted by the client; absent lets the server mint one. */
  readonly message_id?: string | null;
  /** An object to keep on the user message. */
  readonly metadata?: Readonly<Record<string, unknown>> | null;
  /** In place of a message: the id of one that is there, or of a reply to it, to be answered anew. */
  readonly regenerate?: string | null;
  /** The session; absent opens a new one. */
  readonly session_id?: string | null;
  /** The answer shall be a stream of events. */
  readonly stream?: boolean | null;
}

/** The answer to `POST /v1/chat`. */
export interface ChatResponse {
  /** This turn opened the session. */
  readonly created?: boolean;
  /** Redis can't be reached, and has not got the reply yet. */
  readonly degraded?: boolean;
  /** Why the responder ended its reply, where it says so; not in a replayed answer. `length`: at its limit of tokens. */
  readonly finish?: Finish;
  /** The reply broke off: this is what had come of it. */
  readonly interrupted?: boolean;
  /** Of a stream: what its last header would say of the journal, for that was sent too early. */
  readonly journal?: string;
  /** The user message's id. */
  readonly message_id: string;
  /** What the responder attached to the reply. */
  readonly metadata?: Raw;
  /** The reply's parts in the AI SDK's form, where it is more than its text: sources, calls of tools. */
  readonly parts?: Raw;
  /** The turn had been finished before; this is its stored reply. */
  readonly replayed?: boolean;
  /** The reply's id. */
  readonly reply_id: string;
  /** What the responder says. */
  readonly response: string;
  /** The session after the turn. */
  readonly session: SessionBody;
  /** The session, opened by this turn or named by it. */
  readonly session_id: string;
  /** Somebody stopped the reply: this is what had come of it. */
  readonly stopped?: boolean;
  /** What the model's API counted; not in a replayed answer. */
  readonly usage?: Raw;
}

/** `POST /v1/visitors/claim`. */
export interface ClaimRequest {
  /** The visitor's token; without it, the cookie counts. */
  readonly visitor?: string | null;
}

/** The answer to `POST /v1/visitors/claim`. */
export interface ClaimResponse {
  /** Those that are still the visitor's: claim again, until there are none. */
  readonly left: number;
  /** The sessions that this request moved. */
  readonly moved: number;
  /** Whose sessions they are now. */
  readonly owner: string;
  /** Those that have another id now, because the user had a session of theirs: the old ids and the new ones. */
  readonly renamed?: Readonly<Record<string, unknown>>;
  /** Whose they were. */
  readonly visitor: string;
}

/** `POST /v1/sessions`. */
export interface CreateRequest {
  /** The session's id, minted by the client; absent lets the server mint one. */
  readonly session_id?: string | null;
  /** Its title. */
  readonly title?: string | null;
  /** For which of its own users the caller keeps it. */
  readonly user_id?: string | null;
}

/** The answer to `DELETE /v1/sessions/{id}`. */
export interface Deleted {
  /** Always true. */
  readonly deleted: boolean;
  /** The session that is gone. */
  readonly session_id: string;
}

/** The answer to `DELETE /v1/sessions`. */
export interface DeletedAll {
  /** How many sessions are gone. */
  readonly deleted: number;
}

/** What an export held. */
export interface ExportEnd {
  /** Their messages. */
  readonly messages: number;
  /** Its sessions. */
  readonly sessions: number;
}

/** A line of an export: a session, or one of its messages. The messages of a session follow it, in order. */
export type ExportLine = { readonly session: ExportedSession; } | { readonly message: ExportedMessage; } | { readonly cursor: string; } | { readonly left_out: LeftOut; } | { readonly end: ExportEnd; };

/** A message in an export. */
export interface ExportedMessage {
  /** The message as it is stored. */
  readonly message: unknown;
  /** Whose session, in an export of everyone's. */
  readonly owner?: string;
  /** Its place among the exported messages of its session, from 0. */
  readonly position: number;
  /** Its session. */
  readonly session_id: string;
}

/** A session in an export. */
export interface ExportedSession {
  /** Archived or not. */
  readonly archived?: boolean;
  /** When it was made, in milliseconds since 1970. */
  readonly created_ms: number;
  /** Its metadata. */
  readonly metadata?: unknown;
  /** Whose it is, in an export of everyone's. */
  readonly owner?: string;
  /** Pinned or not. */
  readonly pinned?: boolean;
  /** Its id. */
  readonly session_id: string;
  /** Its state. */
  readonly state?: unknown;
  /** What its first messages say in short. */
  readonly summary?: ExportedSummary;
  /** Its title. */
  readonly title?: string;
  /** The tokens that the model's API counted for its turns. */
  readonly tokens_used?: number;
  /** When it last changed, likewise. */
  readonly updated_ms: number;
  /** For which of its own users the caller keeps it. */
  readonly user_id?: string;
}

/** The summary of a session's first messages, in an export. */
export interface ExportedSummary {
  /** The id of the last message that it is of. */
  readonly last: string;
  /** How many of the exported messages it is of. */
  readonly messages: number;
  /** What they say. */
  readonly text: string;
}

/** A line of an import that is left out. */
export interface FailedLine {
  /** The code of the problem. */
  readonly code: string;
  /** What is wrong, for people. */
  readonly detail?: string;
  /** Its number in the body, from 1. */
  readonly line: number;
}

/** Why a reply ends, in the AI SDK's words. */
export type Finish = "stop" | "length" | "content-filter" | "tool-calls" | "other";

/** `POST /v1/sessions/{id}/fork`. */
export interface ForkRequest {
  /** The last message to take; absent takes all. */
  readonly at?: string | null;
  /** The new session's id; absent lets the server mint one. */
  readonly session_id?: string | null;
  /** The new session's title; absent takes the old one's. */
  readonly title?: string | null;
}

/** The answer to `GET /health`. */
export interface Health {
  /** The long-term archive, where there is one. */
  readonly archive?: ArchiveHealth;
  /** `configured` or `not configured`. */
  readonly authentication: string;
  /** This isolate's circuit breaker: `closed`, `open` or `half_open`; absent on the vault. */
  readonly breaker?: string;
  /** Why the status is `degraded`. */
  readonly cause?: string;
  /** The key that sessions are encrypted with, by its id, or `off` where what is new is not; absent without any. */
  readonly encryption?: string;
  /** The entries of all journals that this isolate knows of; absent on the vault. */
  readonly journal_depth?: number;
  /** How long the store took to answer, in milliseconds. */
  readonly latency_ms?: number;
  /** `connected` or `disconnected`; always `disconnected` on the vault. */
  readonly redis: string;
  /** `healthy` or `degraded`. */
  readonly status: string;
  /** `upstash` or `vault`. */
  readonly store: string;
  /** The texts that this isolate could not decrypt; absent where it always could. It is no part of the status. */
  readonly unreadable?: UnreadableTexts;
  /** Operations go into the journal. */
  readonly using_fallback: boolean;
  /** This Worker's version. */
  readonly version: string;
}

/** The answer to `GET /v1/sessions/{id}/history`. `M` is what a message is to the reader: raw JSON or `Message`. */
export interface History {
  /** The messages that are kept. */
  readonly message_count: number;
  /** Oldest first. */
  readonly messages: readonly Message[];
  /** What to ask as `before` for the page of older ones; absent when there are none. */
  readonly next_before?: string;
  /** The session. */
  readonly session_id: string;
  /** The messages that were ever stored. */
  readonly total_messages: number;
}

/** The answer to `POST /v1/import`. */
export interface ImportResponse {
  /** Lines that are left out, because they are no session or message: the first 100. */
  readonly failed?: readonly FailedLine[];
  /** How many lines are left out, where any is. */
  readonly failed_count?: number;
  /** Messages of theirs, there before or not. */
  readonly messages: number;
  /** Sessions of which everything is there now. */
  readonly sessions: number;
  /** Sessions that were left as they are, because they are deleted or have other messages in these places. */
  readonly skipped: readonly string[];
}

/** The answer to an incognito turn. */
export interface IncognitoResponse {
  /** As in `ChatResponse`. */
  readonly finish?: Finish;
  /** Always true: nothing was kept. */
  readonly incognito: boolean;
  /** The user message's id. */
  readonly message_id: string;
  /** The reply's id. */
  readonly reply_id: string;
  /** What the responder says. */
  readonly response: string;
}

/** A stored text that an export leaves out, because it can't be decrypted. */
export interface LeftOut {
  /** `value_unreadable`. */
  readonly code: string;
  /** The cause. */
  readonly detail: string;
  /** Whose session, in an export of everyone's. */
  readonly owner?: string;
  /** For a message, its place: that of the next message that the export has. */
  readonly position?: number;
  /** Its session. */
  readonly session_id: string;
  /** Which text: `message`, `title`, `metadata`, `state` or `summary`. */
  readonly text: string;
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

/** The answer to `POST /v1/admin/move`. */
export interface MovedHouse {
  /** Owners who still have sessions in a vault: ask again. */
  readonly left: number;
  /** Owners whose sessions are all in Redis now, by this request. */
  readonly owners: number;
  /** How many sessions that were. */
  readonly sessions: number;
}

/** An owner in the directory. */
export interface OwnerBody {
  /** RFC 3339, to within some minutes. */
  readonly last_active_at: string;
  /** The owner. */
  readonly owner: string;
}

/** The answer to `GET /v1/admin/owners`. */
export interface OwnerList {
  /** Where the next page begins; absent on the last. */
  readonly next_cursor?: string;
  /** Owners that have, or lately had, sessions, the longest inactive first. */
  readonly owners: readonly OwnerBody[];
}

/** `PATCH /v1/sessions/{id}`: what is absent stays as it is. An empty title or an empty object removes what was there. */
export interface PatchRequest {
  /** Archived or not. */
  readonly archived?: boolean | null;
  /** Its new metadata, an object. */
  readonly metadata?: Readonly<Record<string, unknown>> | null;
  /** Pinned or not. */
  readonly pinned?: boolean | null;
  /** Its new title. */
  readonly title?: string | null;
}

/** The answer to `GET /live` and `GET /ready`. */
export interface Probe {
  /** Why no turn can be accepted. */
  readonly cause?: string;
  /** `live`, `ready` or `not_ready`. */
  readonly status: string;
}

/** An error body, RFC 9457. */
export interface ProblemBody {
  /** Stable; the list is in `docs/protocol.md`. */
  readonly code: string;
  /** For people. */
  readonly detail?: string;
  /** The user message of the failed turn. */
  readonly message_id?: string;
  /** By which operators find the request in the log. */
  readonly request_id?: string;
  /** The same request with the same ids can succeed later. */
  readonly retryable: boolean;
  /** The session that the failed turn belongs to. */
  readonly session_id?: string;
  /** The HTTP status. */
  readonly status: number;
  /** Stable per code. */
  readonly title: string;
  /** `urn:chatkeep:problem:` and the code. */
  readonly type: string;
}

/** JSON that nobody looks inside: its text stays as it is. */
export type Raw = unknown;

/** The answer to `POST /v1/admin/rebuild`. */
export interface Rebuilt {
  /** Where a rebuild of everyone's goes on; absent at its end. */
  readonly next_cursor?: string;
  /** How many sessions are in the index now; of a rebuild of everyone's, how many were looked at. */
  readonly sessions: number;
}

/** What a Redis says of itself. */
export interface RedisFigures {
  /** Keys that it evicted. */
  readonly evicted_keys?: number;
  /** What it does at that limit. */
  readonly eviction_policy?: string;
  /** Keys whose time had come. */
  readonly expired_keys?: number;
  /** Reads that found their key. */
  readonly hits?: number;
  /** All keys, whosever they are. */
  readonly keys?: number;
  /** How long it took to say this. */
  readonly latency_ms?: number;
  /** The memory that it uses. */
  readonly memory_bytes?: number;
  /** The memory that it may use. */
  readonly memory_limit_bytes?: number;
  /** Reads that did not. */
  readonly misses?: number;
  /** Its version. */
  readonly version?: string;
}

/** The answer to `POST /v1/admin/reseal`. */
export interface Resealed {
  /** Where to go on; absent when all was looked at. */
  readonly next_cursor?: string;
  /** Of which so many are now sealed with the first key, or open where `off` stands in its place. */
  readonly resealed: number;
  /** Texts that were looked at: messages, titles, metadata, states, summaries, texts in the archive. */
  readonly seen: number;
  /** Of which so many can't be read, and stay as they are. */
  readonly unreadable: number;
}

/**
 * Who speaks.
 * - `user`: The person.
 * - `assistant`: The responder.
 * - `system`: Instructions.
 */
export type Role = "user" | "assistant" | "system";

/** A session as the API shows it: alone, in a list and in a turn's answer. */
export interface SessionBody {
  /** It is out of the way. */
  readonly archived?: boolean;
  /** The bytes of the stored texts of the messages that are kept; not in lists. */
  readonly bytes?: number;
  /** RFC 3339. */
  readonly created_at: string;
  /** RFC 3339: when it goes, unless it is used before. */
  readonly expires_at: string;
  /** The same, from now, rounded up to whole seconds. */
  readonly expires_in_seconds: number;
  /** The messages that are kept. */
  readonly message_count: number;
  /** It stands out in the list. */
  readonly pinned?: boolean;
  /** Rises with every change; not in lists. */
  readonly revision?: number;
  /** Its id. */
  readonly session_id: string;
  /** Its title, where it has one. */
  readonly title?: string;
  /** The messages that were ever stored. */
  readonly total_messages: number;
  /** RFC 3339: the last change. */
  readonly updated_at: string;
  /** For which of its own users the caller keeps it. */
  readonly user_id?: string;
}

/** A session on its own. */
export interface SessionDetails {
  /** It is out of the way. */
  readonly archived?: boolean;
  /** The bytes of the stored texts of the messages that are kept; not in lists. */
  readonly bytes?: number;
  /** RFC 3339. */
  readonly created_at: string;
  /** RFC 3339: when it goes, unless it is used before. */
  readonly expires_at: string;
  /** The same, from now, rounded up to whole seconds. */
  readonly expires_in_seconds: number;
  /** The messages that are kept. */
  readonly message_count: number;
  /** The object that a client keeps with it. */
  readonly metadata?: unknown;
  /** It stands out in the list. */
  readonly pinned?: boolean;
  /** Rises with every change; not in lists. */
  readonly revision?: number;
  /** Its id. */
  readonly session_id: string;
  /** The summary of what the responder is no longer shown. */
  readonly summary?: SummaryBody;
  /** Its title, where it has one. */
  readonly title?: string;
  /** The tokens that the model's API counted for its turns; not in the answer to a change. */
  readonly tokens_used?: number;
  /** The messages that were ever stored. */
  readonly total_messages: number;
  /** RFC 3339: the last change. */
  readonly updated_at: string;
  /** For which of its own users the caller keeps it. */
  readonly user_id?: string;
}

/** The answer to `GET /v1/sessions`. `S` is `SessionBody`, or `ListedSession` where members of the state were asked for. */
export interface SessionList {
  /** How many live sessions there are in all. */
  readonly count: number;
  /** Where the next page begins; absent on the last. */
  readonly next_cursor?: string;
  /** Newest activity first. */
  readonly sessions: readonly SessionBody[];
  /** The search looked at the newest sessions only: there are more. */
  readonly truncated?: boolean;
}

/**
 * How a reply ended that didn't come to its own end.
 * - `stopped`: Someone stopped it: what had come until then is kept.
 * - `interrupted`: The responder, or the vault that ran the turn, broke off: what had come until then is kept.
 */
export type Status = "stopped" | "interrupted";

/** `POST /v1/sessions/{id}/stop`. */
export interface StopRequest {
  /** The same, as the AI SDK's documents call it. */
  readonly activeStreamId?: string | null;
  /** The message or the reply of the turn to stop; absent stops all of the session. */
  readonly message_id?: string | null;
}

/** The answer to a stop. */
export interface Stopped {
  /** The session. */
  readonly session_id: string;
  /** How many turns were stopped. */
  readonly stopped: number;
}

/** A summary of the earlier messages of a session. */
export interface SummaryBody {
  /** Its characters. */
  readonly characters: number;
  /** How many of the messages ever kept it is of. */
  readonly messages: number;
}

/** `POST /v1/sessions/{id}/truncate`. */
export interface TruncateRequest {
  /** The last message to keep; `-` keeps none. */
  readonly after?: string | null;
}

/** The answer to `GET /v1/ai/chat/{id}/messages`. */
export interface UiMessages {
  /** The AI SDK's messages, oldest first. */
  readonly messages: readonly Raw[];
  /** What to ask as `before` for the page of older ones; absent when there are none. */
  readonly next_before?: string;
}

/** Stored texts that could not be decrypted. */
export interface UnreadableTexts {
  /** Why the last one could not be: `encryption_key_unknown`, `value_not_genuine` or `value_not_sealed`. */
  readonly cause: string;
  /** How often one could not be, since the isolate started. */
  readonly count: number;
}

/** The answer to `POST /v1/visitors`. */
export interface VisitorBody {
  /** RFC 3339: when the token ends; absent where none is needed. */
  readonly expires_at?: string;
  /** Whose sessions the visitor's are. */
  readonly owner: string;
  /** To be shown as `Authorization: Bearer`; absent where it came as a cookie, or none is needed. */
  readonly token?: string;
}

/** `POST /v1/visitors`. */
export interface VisitorRequest {
  /** The token comes as a cookie that pages can't read, rather than in the answer. */
  readonly cookie?: boolean | null;
}

/** What every request says: how far this client knows the API. */
export const CLIENT = { "chatkeep-client": "1" };
