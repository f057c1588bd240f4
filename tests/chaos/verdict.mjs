// The verdict: the histories that clients read at the end, held against what was acknowledged.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ok } from "../harness/api.mjs";

/** @import { Api } from "../harness/api.mjs" */
/** @import { Redis } from "../harness/redis.mjs" */
/** @import { Worker } from "../harness/worker.mjs" */
/** @import { Talk } from "./load.mjs" */

/** @typedef {{id: string, content: string}} Message */

/**
 * @typedef {object} Verdict
 * @property {number} messages acknowledged, in sessions that were not deleted
 * @property {number} lost of those, the ones that are nowhere
 * @property {number} doubled ids that a history shows more than once
 * @property {number} hidden acknowledged messages that Redis or the archive has, and the history doesn't show
 * @property {number} disordered neighbours that are shown in another order than they were acknowledged in
 * @property {number} changed texts that are not the acknowledged ones
 * @property {number} unasked messages that nobody acknowledged
 * @property {number} undead deleted sessions that are there
 * @property {number} broken sessions whose fields don't agree with their messages
 * @property {string[]} cases some of them, for who looks for the reason
 */

/**
 * @param {Talk[]} talks
 * @param {{api: Api, redis: Redis, worker: Worker}} where
 * @returns {Promise<Verdict>}
 */
export async function judge(talks, { api, redis, worker }) {
  /** @type {Verdict} */
  const verdict = {
    messages: 0,
    lost: 0,
    doubled: 0,
    hidden: 0,
    disordered: 0,
    changed: 0,
    unasked: 0,
    undead: 0,
    broken: 0,
    cases: [],
  };
  const note = (/** @type {Exclude<keyof Verdict, "cases">} */ what, /** @type {string} */ text) => {
    verdict[what] += 1;
    if (verdict.cases.length < 20) verdict.cases.push(`${what}: ${text}`);
  };
  /** @type {{id: string, talk: Talk}[]} */
  const missing = [];
  for (const talk of talks) {
    const shown = await history(api, talk.id);
    if (talk.deleted) {
      if (shown) note("undead", talk.id);
      continue;
    }
    verdict.messages += talk.messages.length;
    const stored = shown?.messages ?? [];
    if (shown && shown.count !== stored.length) note("broken", `${talk.id} counts ${shown.count} of ${stored.length}`);

    /** @type {Map<string, number>} */
    const places = new Map();
    for (const [at, { id }] of stored.entries()) {
      if (places.has(id)) note("doubled", `${id} in ${talk.id}`);
      else places.set(id, at);
    }
    let last = -1;
    for (const { id, content } of talk.messages) {
      const at = places.get(id);
      if (at === undefined) {
        missing.push({ id, talk });
        continue;
      }
      if (at < last) note("disordered", `${id} in ${talk.id}`);
      if (stored[at].content !== content) note("changed", `${id} in ${talk.id}`);
      last = at;
      places.delete(id);
    }
    for (const id of places.keys()) note("unasked", `${id} in ${talk.id}`);
  }
  if (missing.length > 0) {
    // The archive's file belongs to workerd as long as that runs.
    await worker.kill();
    const archive = archived(worker.persistTo);
    for (const { id, talk } of missing) {
      const there = archive.has(`${talk.id} ${id}`) || (await inRedis(redis, talk.id)).has(id);
      note(there ? "hidden" : "lost", `${id} in ${talk.id}`);
    }
  }
  return verdict;
}

/**
 * All messages of a session, page by page, and how many it says that it keeps; nothing where there is no such session.
 * @param {Api} api
 * @param {string} id
 */
async function history(api, id) {
  /** @type {Message[]} */
  let messages = [];
  let count = 0;
  for (let before = ""; ; ) {
    const answer = await api.get(`/v1/sessions/${id}/history?limit=500${before}`);
    if (answer.status === 404) return undefined;
    const page = ok(answer);
    if (!before) count = page.message_count;
    messages = [...page.messages, ...messages];
    if (page.next_before === undefined) return { messages, count };
    before = `&before=${page.next_before}`;
  }
}

/**
 * The messages that Redis has of a session, by their ids.
 * @param {Redis} redis
 * @param {string} id
 */
async function inRedis(redis, id) {
  const texts = (await redis.cli("--raw", "HVALS", `chatkeep:{app}:s:${id}`)).split("\n");
  return new Set(texts.map((text) => /^\{"id":"([^"]*)"/.exec(text)?.[1]));
}

/**
 * The messages that the archive has, each by its session and its id.
 * @param {string} folder
 * @returns {Set<string>}
 */
function archived(folder) {
  const found = new Set();
  for (const path of existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : []) {
    if (!path.endsWith(".sqlite")) continue;
    const file = new DatabaseSync(join(folder, path));
    const tables = file.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name = 'chatkeep_messages'").get();
    const query = "SELECT session_id || ' ' || json_extract(message, '$.id') AS name FROM chatkeep_messages";
    for (const { name } of tables?.n ? file.prepare(query).all() : []) found.add(name);
    file.close();
  }
  return found;
}
