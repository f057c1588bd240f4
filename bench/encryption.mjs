// What encryption at rest costs: the same turns, histories and lists of one build of Chatkeep, with a key and without one.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { CHATKEEP, startContender } from "./contenders.mjs";
import { costs, verdicts } from "./report.mjs";
import { alternate, ratio } from "./rounds.mjs";
import { fill, PREFIX } from "./sessions.mjs";
import { startStack } from "./stack.mjs";

/** @import { Run } from "./load.mjs" */
/** @import { Target } from "./report.mjs" */

const [PLAIN, SEALED] = ["plain", "encrypted"];
// Each is filled by turns: a copy of an encrypted session can't be read, for its texts are bound to it.
const SESSIONS = 16;
const MESSAGES = 100;

/** @type {Record<string, {title: string, request: (string | number)[]}>} */
const WORK = {
  turn: { title: `A turn in a session of ${MESSAGES} messages`, request: ["turn", PREFIX, 0, SESSIONS] },
  history: {
    title: `The newest ${MESSAGES} messages of a session`,
    request: ["history", PREFIX, 0, SESSIONS, MESSAGES],
  },
  list: { title: `The list of ${SESSIONS} sessions`, request: ["list", SESSIONS] },
};

/** @param {{rounds: number, seconds: number}} options */
export async function encryption({ rounds, seconds }) {
  const stack = await startStack();
  const key = randomBytes(32).toString("hex");
  const contenders = [
    await startContender(CHATKEEP, stack, { KEY_PREFIX: `${PLAIN}:` }),
    await startContender(CHATKEEP, stack, { KEY_PREFIX: `${SEALED}:`, ENCRYPTION_KEYS: `k1:${key}` }),
  ];
  const all = [PLAIN, SEALED].map((name, at) => ({ name, contender: contenders[at] }));
  for (const { name, contender } of all) {
    for (let number = 0; number < SESSIONS; number += 1) await fill(contender, MESSAGES, number);
    const stored = await stack.redis.cli("HGET", `${name}:{app}:s:${PREFIX}${"0".repeat(24)}`, "m:0");
    assert.equal(stored.includes('"sealed":"k1.'), name === SEALED, "the one is sealed, the other is not");
  }
  /** @type {Record<string, Record<string, Run[]>>} */
  const results = {};
  /** @type {Target[]} */
  const targets = [];
  for (const [kind, { title, request }] of Object.entries(WORK)) {
    const candidates = all.map(({ name, contender }) => ({ name, contender, request: () => request }));
    const runs = await alternate(kind, candidates, { rounds, seconds });
    costs(title, runs);
    const value = ratio(runs[SEALED], runs[PLAIN], (run) => run.worker);
    const found = [{ what: `${kind}: workerd's time, with a key / without`, value }];
    verdicts(found);
    results[kind] = runs;
    targets.push(...found);
  }
  for (const { stop } of contenders) await stop();
  await stack.stop();
  return { results, targets };
}
