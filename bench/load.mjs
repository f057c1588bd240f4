// One run of load on one contender: what wrk saw, and what the processes behind it used meanwhile.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { usedBy, usedByAll } from "./processor-time.mjs";

/** @import { Contender } from "./contenders.mjs" */

const SCRIPT = join(import.meta.dirname, "load.lua");

/**
 * @typedef {object} Run
 * @property {number} requests
 * @property {number} rate requests a second
 * @property {number} p50 microseconds
 * @property {number} p99 microseconds
 * @property {number} worker microseconds of processor time per request in workerd
 * @property {number} gateway the same in the gateway
 * @property {number} redis the same in Redis
 * @property {number} others processors that were busy with something else
 */

/**
 * @param {Contender} contender
 * @param {(string | number)[]} request the arguments of load.lua
 * @param {{seconds: number, connections?: number}} options
 * @returns {Promise<Run>}
 */
export async function load({ name, url, pid, stack }, request, { seconds, connections = 8 }) {
  const pids = { worker: pid, gateway: stack.gateway.pid, redis: stack.redis.pid };
  const before = clock(pids);
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", SCRIPT, url, "--", ...request];
  const { stdout } = await promisify(execFile)("wrk", args.map(String));
  const after = clock(pids);

  const said = JSON.parse(stdout.trim().split("\n").pop() ?? "");
  if (said.failed > 0 || said.requests === 0) throw new Error(`${name}, ${request.join(" ")}: wrk says\n${stdout}`);
  const used = (/** @type {keyof typeof after} */ what) => after[what] - before[what];
  const each = (/** @type {keyof typeof pids} */ what) => (used(what) * 1e6) / said.requests;
  const ours = used("worker") + used("gateway") + used("redis") + used("own");
  return {
    requests: said.requests,
    rate: said.requests / said.seconds,
    p50: said.p50,
    p99: said.p99,
    worker: each("worker"),
    gateway: each("gateway"),
    redis: each("redis"),
    others: Math.max(0, used("machine") - ours) / said.seconds,
  };
}

/** @param {{worker: number, gateway: number, redis: number}} pids */
function clock({ worker, gateway, redis }) {
  return { worker: usedBy(worker), gateway: usedBy(gateway), redis: usedBy(redis), ...usedByAll() };
}
