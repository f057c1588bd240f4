// How costs grow: with the messages of a session, with the sessions of an owner, with the sessions in Redis.
import assert from "node:assert/strict";
import { freemem } from "node:os";
import { CHATKEEP, startContender } from "./contenders.mjs";
import { costs, verdicts } from "./report.mjs";
import { alternate, ratio } from "./rounds.mjs";
import { copy, fill, PREFIX } from "./sessions.mjs";
import { startStack } from "./stack.mjs";

/** @import { Run } from "./load.mjs" */
/** @import { Target } from "./report.mjs" */
/** @typedef {{rounds: number, seconds: number}} Options */

/** The first of the sessions that turns are taken in, where the others are other owners'. */
const USED = 2_000_000;
const UNCAPPED = { MAX_MESSAGES_PER_SESSION: "100000" };

/** Everything that a request costs on this side of the network. */
const everything = (/** @type {Run} */ run) => run.worker + run.gateway + run.redis;

/** @param {Options} options */
export async function growth(options) {
  const parts = [await turnByMessages(options), await listBySessions(options), await turnBySessions(options)];
  return {
    results: Object.assign({}, ...parts.map((part) => part.results)),
    targets: parts.flatMap((part) => part.targets),
  };
}

/**
 * A turn at message 10, at message 30 (where the window is full) and at message 10,000.
 * @param {Options} options
 */
async function turnByMessages(options) {
  const stack = await startStack();
  const contender = await startContender(CHATKEEP, stack, UNCAPPED);
  const lengths = [10, 30, 10_000];
  // Every turn lengthens its session. A short one is used once, a long one may take a few thousand turns more.
  const copies = Object.fromEntries(lengths.map((length) => [length, length < 1000 ? 2_000 * options.seconds : 16]));
  let number = 0;
  /** @type {import("./rounds.mjs").Candidate[]} */
  const candidates = [];
  for (const length of lengths) {
    const template = number;
    console.log(`  fill a session with ${length} messages`);
    await fill(contender, length, template);
    number += 1;
    let first = 0;
    candidates.push({
      name: `message ${length}`,
      contender,
      request: async () => {
        if (first === 0 || length < 1000) {
          first = number;
          await copy(contender, template, { first, count: copies[length] });
          number += copies[length];
        }
        return ["turn", PREFIX, first, copies[length]];
      },
    });
  }
  const runs = await alternate("turn", candidates, options);
  await contender.stop();
  await stack.stop();
  costs("A turn late in a session", runs);
  /** @type {Target[]} */
  const targets = [
    ["message 10", 1.1],
    ["message 30", 1.1],
  ].map(([early, most]) => ({
    what: `turn: time in workerd, gateway and Redis, message 10000 / ${early}`,
    value: ratio(runs["message 10000"], runs[/** @type {string} */ (early)], everything),
    most: /** @type {number} */ (most),
  }));
  verdicts(targets);
  return { results: { turn_by_messages: runs }, targets };
}

/**
 * A page of 10, of an owner with 10 sessions and of one with 100,000.
 * @param {Options} options
 */
async function listBySessions(options) {
  const stack = await startStack();
  /** @type {import("./rounds.mjs").Candidate[]} */
  const candidates = [];
  for (const sessions of [10, 100_000]) {
    const contender = await startContender(CHATKEEP, stack, { ...UNCAPPED, KEY_PREFIX: `of-${sessions}:` });
    console.log(`  fill ${sessions} sessions of one owner`);
    await fill(contender, 2);
    await copy(contender, 0, { first: 1, count: sessions - 1 });
    const page = await contender.api.list("?limit=10");
    assert.deepEqual([page.sessions.length, page.count], [10, sessions]);
    candidates.push({ name: `${sessions} sessions`, contender, request: () => ["list", 10] });
  }
  const runs = await alternate("list", candidates, options);
  for (const { contender } of candidates) await contender.stop();
  await stack.stop();
  costs("A page of 10 of an owner's list", runs);
  const targets = [
    {
      what: "list: time in workerd, gateway and Redis, 100000 sessions / 10",
      value: ratio(runs["100000 sessions"], runs["10 sessions"], everything),
      most: 1.2,
    },
  ];
  verdicts(targets);
  return { results: { list_by_sessions: runs }, targets };
}

/**
 * The median time of a turn, on a Redis with 1,000 sessions and on one with 1,000,000, each of ten to an owner.
 * @param {Options} options
 */
async function turnBySessions(options) {
  // A session of two messages with its rows takes about 2 kB.
  const many = freemem() > 4e9 ? 1_000_000 : 100_000;
  const sizes = [1_000, many];
  /** @type {import("./rounds.mjs").Candidate[]} */
  const candidates = [];
  for (const sessions of sizes) {
    const stack = await startStack();
    const contender = await startContender(CHATKEEP, stack);
    console.log(
      `  fill a Redis with ${sessions} sessions${sessions === many && many < 1e6 ? " (memory is short)" : ""}`,
    );
    await fill(contender, 100, USED);
    await copy(contender, USED, { first: USED + 1, count: 63 });
    await fill(contender, 2);
    await copy(contender, 0, { first: 1, count: sessions, owners: 10 });
    assert.ok(Number(await stack.redis.cli("DBSIZE")) > sessions);
    candidates.push({ name: `${sessions} sessions`, contender, request: () => ["turn", PREFIX, USED, 64] });
  }
  const runs = await alternate("turn", candidates, { ...options, connections: 1 });
  for (const { contender } of candidates) {
    await contender.stop();
    await contender.stack.stop();
  }
  costs("A turn beside many sessions, one connection", runs);
  const targets = [
    {
      what: `turn: p50, ${many} sessions in Redis / 1000`,
      value: ratio(runs[`${many} sessions`], runs["1000 sessions"], (run) => run.p50),
      most: 1.1,
    },
  ];
  verdicts(targets);
  return { results: { turn_by_sessions: runs }, targets };
}
