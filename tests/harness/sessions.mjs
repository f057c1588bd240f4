// Sessions made and changed through the API, for tests of what can be done with them.
import { randomUUID } from "node:crypto";
import { ok } from "./api.mjs";

export const fresh = (name) => `${name}-${randomUUID()}`;
export const keyed = (key) => ({ "idempotency-key": key });
export const ids = (list) => list.sessions.map((session) => session.session_id);
/** A SESSION without what changes with time alone. */
export const still = ({ expires_in_seconds, ...session }) => session;

/** @param {{api: import("./api.mjs").Api}} the where the API is, once it runs */
export function sessionsOf(the) {
  const post = (id, verb, body, headers) => the.api.send("POST", `/v1/sessions/${id}/${verb}`, body, headers);
  const patch = (id, body, headers) => the.api.send("PATCH", `/v1/sessions/${id}`, body, headers);
  const append = (id, contents, headers) => {
    const messages = contents.map((content) => ({ role: "user", content }));
    return post(id, "messages", { messages }, headers);
  };
  const messageIds = async (id) => (await the.api.history(id)).messages.map((message) => message.id);
  /** Makes a session with messages `m0`, `m1` ... whose texts are `text 0`, `text 1` ... */
  const filled = async (name, count) => {
    const id = fresh(name);
    const messages = Array.from({ length: count }, (_, n) => ({ role: "user", content: `text ${n}`, id: `m${n}` }));
    const { session } = ok(await post(id, "messages", { messages }));
    return { id, session };
  };
  return { post, patch, append, messageIds, filled };
}
