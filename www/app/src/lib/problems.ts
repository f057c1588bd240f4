// What went wrong, in words a reader can act on: one sentence per problem code.
import { ChatkeepError, type Problem } from "chatkeep";

const WORDS: Readonly<Record<string, string>> = {
  network: "The server can’t be reached. Check your connection, then try again.",
  unexpected_answer: "Something other than Chatkeep answered. Check your connection, then try again.",
  load_failed: "A part of this page couldn’t be loaded. Check your connection, then try again.",
  message_empty: "There is nothing to send: the message is empty.",
  message_too_long: "This message is too long to send. Shorten it or split it.",
  body_too_large: "This message is too long to send. Shorten it or split it.",
  unauthorized: "This server asks for credentials that this page doesn’t have.",
  session_not_found: "This chat has expired or was deleted.",
  session_deleted: "This chat was deleted.",
  message_not_found: "This message is no longer here.",
  message_gone: "This message is no longer kept in the chat.",
  turn_in_progress: "The answer to this message is still being written. Try again in a moment.",
  turn_mismatch: "This message was already sent with another text.",
  too_many_sessions: "No room for another chat. Delete one, then try again.",
  responder_failed: "The assistant couldn’t answer. Your message is kept; try again.",
  responder_busy: "The assistant is busy right now. Your message is kept; try again in a moment.",
  responder_timeout: "The assistant took too long to answer. Your message is kept; try again.",
  store_unavailable: "Chats can’t be stored right now. Try again in a moment.",
  store_misconfigured: "The server’s storage isn’t set up correctly. Tell whoever runs it.",
  not_configured: "This server isn’t set up yet. Tell whoever runs it.",
  client_too_old: "There is a new version of this page. Reload it; what you wrote is kept.",
  journal_full: "The chats can't be reached, and no more fits until they are back. Try again later.",
  storage_full: "There is no room for more. Delete what you don't need, and try again later.",
  too_many_reads: "Too much was read in a short time. Wait a moment, then try again.",
  rate_limited: "Too many messages in a short time. Wait a moment, then try again.",
  invalid_session_id: "There is no such chat.",
  unsupported: "This server doesn’t offer that.",
  internal: "Something went wrong on the server. Try again.",
};

/** Codes that say: the session is gone. What is sent next opens a new one. */
const GONE: ReadonlySet<string> = new Set(["session_not_found", "session_deleted"]);

export function inWords(problem: Pick<Problem, "code" | "status">): string {
  const known = WORDS[problem.code];
  if (known !== undefined) return known;
  if (problem.status >= 500) return "Something went wrong on the server. Try again.";
  return `The server refused this (${problem.code}).`;
}

export function isGone(problem: Pick<Problem, "code"> | null | undefined): boolean {
  return problem != null && GONE.has(problem.code);
}

/** A rejected call as a problem; anything unexpected counts as one of ours. */
export function toProblem(error: unknown): Problem {
  if (error instanceof ChatkeepError) {
    return { code: error.code, status: error.status, retryable: error.retryable };
  }
  return { code: "internal", status: 0, retryable: true };
}
