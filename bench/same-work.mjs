// The same turn, history read and list of 100 sessions, on Chatkeep and on its peers.
import assert from "node:assert/strict";
import { CHATKEEP, contenders, FLOOR, PEER, startContender } from "./contenders.mjs";
import { costs, verdicts } from "./report.mjs";
import { alternate, ratio } from "./rounds.mjs";
import { copy, fill, PREFIX, storedIn } from "./sessions.mjs";
import { startStack } from "./stack.mjs";

/** @import { Run } from "./load.mjs" */
/** @import { Target } from "./report.mjs" */

const SESSIONS = 100;
const USED = 64;
const MESSAGES = 100;

/** @type {Record<string, {title: string, request: (string | number)[], most: Record<string, number>}>} */
const WORK = {
  turn: {
    title: `A turn in a session of ${MESSAGES} messages`,
    request: ["turn", PREFIX, 0, USED],
    most: { [PEER]: 0.85, [FLOOR]: 1.15 },
  },
  history: {
    title: `The newest ${MESSAGES} messages of a session`,
    request: ["history", PREFIX, 0, USED, MESSAGES],
    most: {},
  },
  list: {
    title: `The list of ${SESSIONS} sessions with titles and counts`,
    request: ["list", SESSIONS],
    most: { [PEER]: 0.5 },
  },
};
export const KINDS = Object.keys(WORK);

/**
 * @param {string[]} kinds
 * @param {{rounds: number, seconds: number, peers?: string[]}} options `peers`: only these
 */
export async function sameWork(kinds, { rounds, seconds, peers = contenders() }) {
  const stack = await startStack();
  const all = await Promise.all(peers.map((name) => startContender(name, stack)));
  for (const contender of all) {
    await fill(contender, MESSAGES);
    await copy(contender, 0, { first: 1, count: SESSIONS - 1 });
    const { sessions, count } = await contender.api.list(`?limit=${SESSIONS}`);
    const whole = sessions.filter((one) => one.title && one.message_count === MESSAGES);
    assert.deepEqual(
      [whole.length, count],
      [SESSIONS, SESSIONS],
      `${contender.name} lists all, with titles and counts`,
    );
  }

  /** @type {Record<string, Record<string, Run[]>>} */
  const results = {};
  /** @type {Target[]} */
  const targets = [];
  for (const kind of kinds) {
    const { title, request, most } = WORK[kind];
    const before = await Promise.all(all.map(storedIn));
    /** @type {import("./rounds.mjs").Candidate[]} */
    const candidates = all.map((contender) => ({ name: contender.name, contender, request: () => request }));
    const runs = await alternate(kind, candidates, { rounds, seconds });
    for (const [at, contender] of all.entries()) {
      const stored = (await storedIn(contender)) - before[at];
      const turns = kind === "turn" ? runs[contender.name].reduce((sum, run) => sum + run.requests, 0) : 0;
      // More than the measured ones: those of the warm-up, and those under way when a run ended.
      assert.ok(
        kind === "turn" ? stored >= 2 * turns : stored === 0,
        `${contender.name} stored ${stored} in ${turns} turns`,
      );
    }
    costs(title, runs);
    const found = Object.keys(runs)
      .filter((name) => name !== CHATKEEP && runs[CHATKEEP])
      .map((name) => ({
        what: `${kind}: workerd's time, Chatkeep / ${name}`,
        value: ratio(runs[CHATKEEP], runs[name], (run) => run.worker),
        most: most[name],
      }));
    verdicts(found);
    results[kind] = runs;
    targets.push(...found);
  }
  for (const { stop } of all) await stop();
  await stack.stop();
  return { results, targets };
}
