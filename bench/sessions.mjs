// Sessions to measure on: one is filled through the Worker and looked at, the others are copies of it in Redis.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** @import { Contender } from "./contenders.mjs" */

const COPIES = readFileSync(join(import.meta.dirname, "copies.lua"), "utf8");
const BATCH = 5_000;
/** What a session id begins with; its other 24 digits are a number. */
export const PREFIX = "sess_0190f3a1";
export const sessionId = (/** @type {number} */ number) => PREFIX + number.toString(16).padStart(24, "0");

const SAID = [
  "Good morning! Could you help me plan a week in Lisbon in early spring, for two adults and a child of seven?",
  "We like small museums, trams and the sea. No car, please, and not more than two places in a day, or she gets tired.",
  "That sounds good. What would it cost, roughly, if we stayed in a flat near the river and cooked in the evening?",
  "And if it rains? Please give me one thing for each day that we could do indoors instead, the nearer the better.",
];

/**
 * Fills a session by turns, and makes sure that the Worker does what is measured: it remembers, stores, titles, counts.
 * @param {Contender} contender
 * @param {number} messages an even number
 * @param {number} [number] of the session
 */
export async function fill({ name, api }, messages, number = 0) {
  const session_id = sessionId(number);
  let response = "";
  for (let turn = 0; turn < messages / 2; turn += 1) {
    const message = `${SAID[turn % SAID.length]} (${turn + 1})`;
    response = (await api.say(message, { session_id })).response;
    const remembered = Math.min(2 * turn, 19);
    assert.ok(response.startsWith(`You said: ${message}`), `${name} echoes: ${response}`);
    if (turn > 0) assert.match(response, new RegExp(`I remember ${remembered} earlier messages`), `${name} remembers`);
  }
  const limit = Math.min(messages, 500);
  const history = await api.history(session_id, `?limit=${limit}`);
  assert.equal(history.messages.length, Math.min(limit, history.message_count), `${name} has stored them`);
  assert.equal(history.messages.at(-1).content, response, `${name} has stored the reply`);
  assert.equal(history.total_messages, messages, `${name} counts`);
  const listed = (await api.list("?limit=200")).sessions.find((one) => one.session_id === session_id);
  assert.equal(listed?.total_messages, messages, `${name} lists the session with its count`);
  assert.ok(listed.title.startsWith(SAID[0].slice(0, 40)), `${name} lists it with its title: ${listed.title}`);
  return session_id;
}

/**
 * Copies a session that a Worker has stored, as a Worker would have stored it.
 * @param {Contender} contender
 * @param {number} number of the session; `fill` has made it
 * @param {{first: number, count: number, owners?: number, until?: () => Promise<boolean>}} copies their numbers; with
 *   `owners`, each has that many sessions and none is the Worker's own; `until` says when it is enough
 */
export async function copy({ prefix, stack: { redis } }, number, { first, count, owners = 0, until }) {
  const id = sessionId(number);
  const found = (await redis.cli("--raw", "KEYS", `${prefix}*`)).split("\n");
  const keys = found.filter((key) => key.includes(id) || !key.includes(PREFIX));
  const batch = until ? 50 : BATCH;
  for (let done = 0; done < count; done += batch) {
    const numbers = [first + done, Math.min(batch, count - done), owners].map(String);
    await redis.cli("--raw", "-e", "EVAL", COPIES, `${keys.length}`, ...keys, id, PREFIX, ...numbers);
    if (await until?.()) return done + batch;
  }
  return count;
}

/**
 * The messages that the sessions of a list have had, all together.
 * @param {Contender} contender
 */
export async function storedIn({ api }) {
  const { sessions } = await api.list("?limit=200");
  return sessions.reduce((sum, session) => sum + session.total_messages, 0);
}
