// What goes wrong, one thing after another, each mended before the next.
import { setTimeout as pause } from "node:timers/promises";

/** @import { Gateway } from "../harness/gateway.mjs" */
/** @import { Redis } from "../harness/redis.mjs" */
/** @import { Worker } from "../harness/worker.mjs" */
/** @import { Random } from "./random.mjs" */

/** @typedef {{redis: Redis, gateway: Gateway, worker: Worker, random: Random}} World */

/**
 * Each fault lasts about as long as it is told, in milliseconds.
 * @type {Record<string, (world: World, duration: number) => Promise<void>>}
 */
export const FAULTS = {
  redis_killed: async ({ redis }, duration) => {
    await redis.kill();
    await pause(duration);
    await redis.restart();
  },
  gateway_cut: async ({ gateway }, duration) => {
    await gateway.kill();
    await pause(duration);
    await gateway.restart();
  },
  workerd_killed: async ({ worker }) => {
    await worker.kill();
    await worker.restart();
  },
  // A workerd that dies while there is a journal, so that it must find it again.
  workerd_killed_in_an_outage: async ({ worker, redis }, duration) => {
    await redis.kill();
    await pause(duration);
    await worker.kill();
    await worker.restart();
    await redis.restart();
  },
  delayed: ordered("delay", { ms: 700 }),
  delayed_response: ordered("delay_response", { ms: 700 }),
  dropped_request: ordered("drop_request"),
  dropped_response: ordered("drop_response"),
  server_error: ordered("server_error"),
  quota: ordered("quota"),
  readonly: async ({ redis }, duration) => {
    await redis.cli("REPLICAOF", "127.0.0.1", "1");
    await pause(duration);
    await redis.cli("REPLICAOF", "NO", "ONE");
  },
  oom: async ({ redis }, duration) => {
    await redis.cli("CONFIG", "SET", "maxmemory", "1");
    await pause(duration);
    await redis.cli("CONFIG", "SET", "maxmemory", "0");
  },
};

/**
 * Orders a fault of the gateway's: for some requests here and there, or for all of them.
 * @param {import("../harness/gateway.mjs").Fault["fault"]} fault
 * @param {{ms?: number}} [more]
 * @returns {(world: World, duration: number) => Promise<void>}
 */
function ordered(fault, more = {}) {
  return async ({ gateway, random }, duration) => {
    if (random.happens(40)) {
      await gateway.order({ fault, count: 100_000, ...more });
    } else {
      const orders = Array.from({ length: 12 }, () => ({ fault, skip: random.within(0, 6), count: 1, ...more }));
      await gateway.order(...orders);
    }
    await pause(duration);
    await gateway.clear();
  };
}

/**
 * Redis comes back without anything that it had: the archive and the journal have it.
 * @param {World} world
 * @param {number} duration
 */
async function comeBackEmpty({ redis }, duration) {
  await redis.kill();
  await pause(duration);
  await redis.empty();
}

/**
 * Injects faults until a moment, every kind before any comes again. Redis comes back empty so often in between, in equal parts
 * of the run. Returns how often each came.
 * @param {World} world
 * @param {number} until
 * @param {number} emptied
 * @param {(fault: string) => void} told
 */
export async function inject(world, until, emptied, told) {
  /** @type {Record<string, number>} */
  const injected = {};
  /** @type {string[]} */
  let waiting = [];
  const [began, part] = [Date.now(), (until - Date.now()) / (emptied + 1)];
  const play = async (/** @type {string} */ fault, /** @type {typeof comeBackEmpty} */ inflict) => {
    told(fault);
    await inflict(world, world.random.within(300, 1_800));
    injected[fault] = (injected[fault] ?? 0) + 1;
  };
  while (Date.now() < until || (injected.redis_emptied ?? 0) < emptied) {
    if ((injected.redis_emptied ?? 0) < emptied && Date.now() >= began + part * ((injected.redis_emptied ?? 0) + 1)) {
      await play("redis_emptied", comeBackEmpty);
    } else {
      if (waiting.length === 0) waiting = shuffled(Object.keys(FAULTS), world.random);
      const fault = waiting.pop() ?? "";
      await play(fault, FAULTS[fault]);
    }
    await pause(world.random.within(200, 1_500));
  }
  return injected;
}

/**
 * @template T
 * @param {T[]} items
 * @param {Random} random
 */
function shuffled(items, random) {
  for (let at = items.length - 1; at > 0; at--) {
    const other = random.within(0, at);
    [items[at], items[other]] = [items[other], items[at]];
  }
  return items;
}
