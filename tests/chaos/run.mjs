// One chaos run: real workerd with an archive, real redis-server behind the real gateway, a load, faults, and the verdict.
import { setTimeout as pause } from "node:timers/promises";
import { Api, eventually } from "../harness/api.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { startRedis } from "../harness/redis.mjs";
import { startWorker } from "../harness/worker.mjs";
import { inject } from "./faults.mjs";
import { Client } from "./load.mjs";
import { Random } from "./random.mjs";
import { judge } from "./verdict.mjs";

/** @import { Counts } from "./load.mjs" */
/** @import { Verdict } from "./verdict.mjs" */
/** @import { Worker } from "../harness/worker.mjs" */

/** How long a turn whose workerd was killed is protected: a client's patience is longer. */
const LEASE_SECONDS = "2";

/**
 * @param {{seconds: number, seed: number, emptied: number, clients?: number, told?: (fault: string) => void}} options
 * @returns {Promise<{faults: Record<string, number>, counts: Counts, sessions: number, verdict: Verdict, logs: string}>}
 */
export async function chaos({ seconds, seed, emptied, clients = 6, told = () => {} }) {
  // Every write is on disk before it is answered: what is lost, we lost.
  const redis = await startRedis({ appendonly: true });
  const gateway = await startGateway({ redisUrl: redis.url, faults: true });
  const vars = { LEASE_SECONDS, ARCHIVE_MODE: "write-through", SYNC_INTERVAL: "5" };
  const worker = await startWorker({ store: "upstash", redis, gateway, vars });
  try {
    const talkers = Array.from({ length: clients }, (_, number) => {
      return new Client(worker.url, `c${number}`, new Random(seed + 1 + number));
    });
    const until = Date.now() + seconds * 1_000;
    const [faults] = await Promise.all([
      inject({ redis, gateway, worker, random: new Random(seed) }, until, emptied, told),
      sweepNowAndThen(worker, until),
      ...talkers.map((talker) => talker.talk(until)),
    ]);
    // Who comes with a marker learns when everything is replayed.
    const api = new Api(worker.url, { "chatkeep-journal": "end" });
    await eventually(
      () => api.get("/v1/sessions?limit=1"),
      ({ status, headers }) => status === 200 && headers.get("chatkeep-journal") === "-",
      // Each session that was in the journal is archived before it leaves it.
      240_000,
    );
    await pause(6_000);
    await worker.tick();
    const talks = talkers.flatMap((talker) => talker.talks);
    const counts = talkers.map((talker) => talker.counts).reduce(sum);
    const verdict = await judge(talks, { api: new Api(worker.url), redis, worker });
    return { faults, counts, sessions: talks.length, verdict, logs: worker.logs() };
  } finally {
    await worker.stop();
    await gateway.stop();
    await redis.stop();
  }
}

/**
 * Calls the cron, as the platform does, while workerd is there.
 * @param {Worker} worker
 * @param {number} until
 */
async function sweepNowAndThen(worker, until) {
  while (Date.now() < until) {
    await pause(5_000);
    await worker.tick().catch(() => {});
  }
}

/**
 * @param {Counts} one
 * @param {Counts} other
 * @returns {Counts}
 */
function sum(one, other) {
  return {
    turns: one.turns + other.turns,
    appends: one.appends + other.appends,
    deletes: one.deletes + other.deletes,
    degraded: one.degraded + other.degraded,
    repeated: one.repeated + other.repeated,
    wrong: [...one.wrong, ...other.wrong],
  };
}
