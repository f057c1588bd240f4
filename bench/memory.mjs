// What a session of 20 messages takes in Redis, in Chatkeep's layout and in the peers', and how many fit.
import { CHATKEEP, contenders, ONE_VALUE, startContender } from "./contenders.mjs";
import { table, verdicts } from "./report.mjs";
import { copy, fill } from "./sessions.mjs";
import { startStack } from "./stack.mjs";

const MESSAGES = 20;
const SAMPLE = 5_000;
/** In MB. */
const SIZES = [30, 256];

export async function memory() {
  const stack = await startStack();
  /** @type {Record<string, {bytes: number, fit: Record<string, number>}>} */
  const results = {};
  for (const name of contenders()) {
    console.log(`  fill sessions of ${MESSAGES} messages: ${name}`);
    const contender = await startContender(name, stack);
    await stack.empty();
    await fill(contender, MESSAGES);
    await copy(contender, 0, { first: 1, count: 100 });
    const before = await used(stack);
    await copy(contender, 0, { first: 101, count: SAMPLE });
    const bytes = ((await used(stack)) - before) / SAMPLE;

    /** @type {Record<string, number>} */
    const fit = {};
    for (const size of SIZES) {
      await stack.empty();
      await fill(contender, MESSAGES);
      const until = async () => (await used(stack)) >= size * 1024 * 1024;
      fit[`${size} MB`] = await copy(contender, 0, { first: 1, count: 10_000_000, until });
    }
    results[name] = { bytes, fit };
    await contender.stop();
  }
  await stack.stop();

  console.log(`\nMemory of Redis for sessions of ${MESSAGES} messages`);
  table([
    ["", "bytes a session", ...SIZES.map((size) => `fit in ${size} MB`)],
    ...Object.entries(results).map(([name, { bytes, fit }]) => [
      name,
      bytes.toFixed(0),
      ...SIZES.map((size) => `${fit[`${size} MB`]}`),
    ]),
  ]);
  const targets = [
    {
      what: "memory: a session, Chatkeep / one JSON value",
      value: { median: results[CHATKEEP].bytes / results[ONE_VALUE].bytes },
      most: 1.25,
    },
  ];
  verdicts(targets);
  return { results, targets };
}

/** @param {import("./stack.mjs").Stack} stack */
async function used({ redis }) {
  const [, bytes] = /^used_memory:(\d+)/m.exec(await redis.cli("INFO", "memory")) ?? [];
  return Number(bytes);
}
