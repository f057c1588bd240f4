// The first turn of an isolate that was just started, as a visitor finds it who comes when nobody was there for a while.
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { CHATKEEP, contenders, startContender } from "./contenders.mjs";
import { usedBy } from "./processor-time.mjs";
import { table, verdicts } from "./report.mjs";
import { median, ratio } from "./rounds.mjs";
import { startStack } from "./stack.mjs";

/** How long what the start itself does may go on, in milliseconds. */
const SETTLED = 300;

/** @typedef {{start: number, first: number, second: number, used: number}} Begun milliseconds: `start` and `used` of processor time */

/** @param {{rounds: number, peers?: string[]}} options */
export async function cold({ rounds, peers = contenders() }) {
  const stack = await startStack();
  /** @type {Record<string, Begun[]>} */
  const results = Object.fromEntries(peers.map((name) => [name, []]));
  // Each round has one start of each: twice as many rounds as elsewhere, because a start is a single figure.
  for (let round = 0; round < rounds * 2; round += 1) {
    for (let turn = 0; turn < peers.length; turn += 1) {
      const name = peers[(turn + round) % peers.length];
      results[name].push(await begun(name, stack));
    }
  }
  await stack.stop();

  const of = (/** @type {string} */ name, /** @type {keyof Begun} */ what) =>
    median(results[name].map((one) => one[what]));
  console.log(`\nThe first requests of an isolate, ms (medians of ${rounds * 2} starts)`);
  table([
    ["", "processor time of the start", "of the first two turns", "first turn", "second"],
    ...peers.map((name) => [
      name,
      of(name, "start").toFixed(0),
      of(name, "used").toFixed(0),
      of(name, "first").toFixed(1),
      of(name, "second").toFixed(1),
    ]),
  ]);
  const others = peers.includes(CHATKEEP) ? peers.filter((name) => name !== CHATKEEP) : [];
  const targets = others.map((name) => ({
    what: `cold: the first turn, Chatkeep / ${name}`,
    value: ratio(results[CHATKEEP], results[name], ({ first }) => first),
  }));
  verdicts(targets);
  return { results, targets };
}

/**
 * @param {string} name
 * @param {import("./stack.mjs").Stack} stack
 * @returns {Promise<Begun>}
 */
async function begun(name, stack) {
  const contender = await startContender(name, stack, {}, { untouched: true });
  await pause(SETTLED);
  const start = usedBy(contender.pid);
  const first = await turn(contender);
  const second = await turn(contender);
  const used = usedBy(contender.pid) - start;
  await contender.stop();
  return { start: start * 1000, first, second, used: used * 1000 };
}

/** @param {import("./contenders.mjs").Contender} contender */
async function turn({ api }) {
  const began = performance.now();
  const { status } = await api.chat({ message: "Hello" });
  assert.equal(status, 200);
  return performance.now() - began;
}
