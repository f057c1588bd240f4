// The figures that one of the five systems states for its store, and ours beside them: one request after another, on a
// local Redis.
import { CHATKEEP, startContender } from "./contenders.mjs";
import { load } from "./load.mjs";
import { table } from "./report.mjs";
import { median } from "./rounds.mjs";
import { copy, fill, PREFIX } from "./sessions.mjs";
import { startStack } from "./stack.mjs";

/** @import { Stack } from "./stack.mjs" */

/** @type {{what: string, stated: string, request: (string | number)[]}[]} */
const FIGURES = [
  { what: "store: a new session", stated: "0.5", request: ["create"] },
  { what: "store: a turn, which also loads", stated: "", request: ["turn", PREFIX, 0, 64] },
  { what: "load: a session of 20 messages", stated: "0.3", request: ["history", PREFIX, 0, 64, 20] },
  { what: "list of 100 sessions", stated: "10", request: ["list", 100] },
];

/** @param {{rounds: number, seconds: number}} options */
export async function figures({ rounds, seconds }) {
  const stack = await startStack();
  const contender = await startContender(CHATKEEP, stack);
  await fill(contender, 20);
  await copy(contender, 0, { first: 1, count: 99 });
  const results = [];
  for (const { what, stated, request } of FIGURES) {
    await load(contender, request, { seconds: 1, connections: 1 });
    const runs = [];
    await stack.redis.cli("CONFIG", "RESETSTAT");
    for (let round = 0; round < rounds; round += 1) {
      runs.push(await load(contender, request, { seconds: Math.min(seconds, 2), connections: 1 }));
    }
    const inside = await microsecondsInScripts(stack);
    const requests = runs.reduce((sum, run) => sum + run.requests, 0);
    const p50 = median(runs.map((run) => run.p50)) / 1000;
    const p99 = median(runs.map((run) => run.p99)) / 1000;
    results.push({ what, stated, p50, p99, in_redis: inside / requests / 1000 });
    console.log(`  ${what}: ${p50.toFixed(2)} ms`);
  }
  await contender.stop();
  await stack.stop();

  console.log(
    "\nStated figures of a store beside Chatkeep's, ms (HTTP to the Worker, gateway, local Redis; one connection)",
  );
  table([
    ["", "stated", "p50", "p99", "of it in Redis"],
    ...results.map(({ what, stated, p50, p99, in_redis }) => [
      what,
      stated,
      p50.toFixed(2),
      p99.toFixed(2),
      in_redis.toFixed(3),
    ]),
  ]);
  return { results, targets: [] };
}

/** @param {Stack} stack */
async function microsecondsInScripts({ redis }) {
  const stats = await redis.cli("INFO", "commandstats");
  return [...stats.matchAll(/^cmdstat_evalsha(?:_ro)?:calls=\d+,usec=(\d+)/gm)].reduce(
    (sum, [, us]) => sum + Number(us),
    0,
  );
}
