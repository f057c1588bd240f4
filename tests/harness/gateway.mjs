// The real gateway, which serves the Upstash REST dialect in front of a Redis.
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { ROOT } from "./folders.mjs";
import { onFreePort, onSamePort } from "./ports.mjs";
import { Process } from "./processes.mjs";

/**
 * What the gateway shall do wrong, as crates/gateway/src/faults.rs has it.
 * @typedef {object} Fault
 * @property {"drop_response" | "drop_request" | "delay" | "delay_response" | "quota" | "suspended" | "readonly" | "oom" |
 *   "unauthorized" | "too_large" | "server_error"} fault
 * @property {number} [count] for how many requests
 * @property {number} [skip] how many pass unharmed before
 * @property {string} [command] only requests with this command, in lower case
 * @property {number} [ms] how long a delay takes
 * @property {number} [status]
 */

/**
 * @typedef {object} Gateway
 * @property {string} url
 * @property {string} token
 * @property {number} pid of the one that runs now
 * @property {() => string} logs
 * @property {(...faults: Fault[]) => Promise<void>} order orders faults; needs `faults: true`
 * @property {() => Promise<void>} clear cancels all faults
 * @property {() => Promise<{requests: number, commands: number, by_name: Record<string, number>}>} counters
 * @property {() => Promise<void>} resetCounters
 * @property {() => Promise<void>} stop
 * @property {() => Promise<void>} kill
 * @property {(changes?: Record<string, string>) => Promise<void>} restart starts it again on the same port, with other variables
 */

/**
 * @param {{redisUrl: string, faults?: boolean, vars?: Record<string, string>, profile?: "debug" | "native"}} options
 *   `faults` lets tests order faults and read counters; `profile` is the one of Cargo that it was built with
 * @returns {Promise<Gateway>}
 */
export async function startGateway({ redisUrl, faults = false, vars = {}, profile = "debug" }) {
  const program = join(resolve(ROOT, process.env.CARGO_TARGET_DIR || "target"), profile, "chatkeep-gateway");
  if (!existsSync(program)) throw new Error(`${program} is missing: run scripts/build-gateway`);
  const token = randomBytes(24).toString("hex");
  /** @type {Record<string, string>} */
  const env = {
    REDIS_URL: redisUrl,
    GATEWAY_TOKEN: token,
    GATEWAY_FAULTS: faults ? "on" : "",
    ...vars,
  };

  let logs = "";
  let server = await onFreePort((port) => {
    env.GATEWAY_PORT = `${port}`;
    return run();
  });
  const url = `http://127.0.0.1:${env.GATEWAY_PORT}`;
  return {
    url,
    token,
    get pid() {
      return server.pid;
    },
    logs: () => logs + server.logs(),
    order: async (...faults) => void (await control("POST", "faults", JSON.stringify(faults))),
    clear: async () => void (await control("DELETE", "faults")),
    counters: async () => (await control("GET", "counters")).json(),
    resetCounters: async () => void (await control("POST", "counters/reset")),
    stop: () => server.stop(),
    kill: () => server.kill(),
    restart: async (changes = {}) => {
      await server.stop();
      Object.assign(env, changes);
      logs += server.logs();
      server = await onSamePort(run);
    },
  };

  async function run() {
    const server = new Process(program, [], { env });
    await server.ready("listening", () => /^chatkeep-gateway listening on/m.test(server.logs()) || undefined);
    return server;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {string} [body]
   */
  async function control(method, path, body) {
    const answer = await fetch(`${url}/_gateway/${path}`, { method, body });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }
}
