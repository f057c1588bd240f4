// The verdict: what Redis has, held against what was acknowledged.

/** @import { Redis } from "../harness/redis.mjs" */
/** @import { Talk } from "./load.mjs" */

/**
 * @typedef {object} Verdict
 * @property {number} messages acknowledged, in sessions that were not deleted
 * @property {number} lost of those, the ones that aren't there
 * @property {number} doubled ids that are there more than once
 * @property {number} disordered neighbours that are there in another order than they were acknowledged in
 * @property {number} changed texts that are not the acknowledged ones
 * @property {number} unasked messages that nobody acknowledged
 * @property {number} undead deleted sessions that are there
 * @property {number} broken sessions whose fields don't agree with their messages
 * @property {string[]} cases some of them, for who looks for the reason
 */

/**
 * @param {Redis} redis
 * @param {Talk[]} talks
 * @returns {Promise<Verdict>}
 */
export async function judge(redis, talks) {
  /** @type {Verdict} */
  const verdict = {
    messages: 0,
    lost: 0,
    doubled: 0,
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
  for (const talk of talks) {
    const fields = await session(redis, talk.id);
    if (talk.deleted) {
      if (fields.size > 0) note("undead", talk.id);
      continue;
    }
    verdict.messages += talk.messages.length;
    const stored = [];
    const [first, next] = [Number(fields.get("first") ?? 0), Number(fields.get("next") ?? 0)];
    for (let position = first; position < next; position++) {
      const text = fields.get(`m:${position}`);
      if (text) stored.push(JSON.parse(text));
      else note("broken", `${talk.id} has nothing at ${position}`);
    }
    if (fields.size > 0 && Number(fields.get("total")) !== stored.length) note("broken", `the total of ${talk.id}`);

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
        note("lost", `${id} in ${talk.id}`);
        continue;
      }
      if (at < last) note("disordered", `${id} in ${talk.id}`);
      if (stored[at].content !== content) note("changed", `${id} in ${talk.id}`);
      last = at;
      places.delete(id);
    }
    for (const id of places.keys()) note("unasked", `${id} in ${talk.id}`);
  }
  return verdict;
}

/**
 * The fields of a session; none when it isn't there.
 * @param {Redis} redis
 * @param {string} id
 */
async function session(redis, id) {
  const text = await redis.cli("--json", "HGETALL", `chatkeep:{app}:s:${id}`);
  return new Map(Object.entries(/** @type {Record<string, string>} */ (JSON.parse(text))));
}
