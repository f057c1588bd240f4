// What is measured: Chatkeep's Worker, and the peers that do the same work, each in a workerd of its own.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { Api } from "../tests/harness/api.mjs";
import { ROOT, temporaryFolder } from "../tests/harness/folders.mjs";
import { startWorkerd } from "./workerd.mjs";

/** @import { Stack } from "./stack.mjs" */

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {string} url
 * @property {string} prefix of its keys
 * @property {number} pid of its workerd
 * @property {Api} api
 * @property {Stack} stack
 * @property {() => Promise<void>} stop
 */

/** The Worker that is measured, and the ones beside it. */
export const CHATKEEP = "chatkeep";
export const PEER = "hono-upstash";
export const FLOOR = "floor";
export const ONE_VALUE = "one-value";

const PEERS = join(import.meta.dirname, "peers");
/** @type {Map<string, string>} the folders of contenders that are built */
const built = new Map([[CHATKEEP, join(ROOT, "crates/worker/build")]]);

/**
 * Enters another build of Chatkeep's Worker.
 * @param {string} name
 * @param {string} folder
 */
export function enter(name, folder) {
  built.set(name, folder);
}

export async function buildPeers() {
  for (const name of readdirSync(PEERS, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    const folder = temporaryFolder(name.name);
    await build({
      entryPoints: [join(PEERS, name.name, "index.js")],
      outfile: join(folder, "index.js"),
      loader: { ".lua": "text" },
      bundle: true,
      minify: true,
      format: "esm",
      target: "es2022",
      conditions: ["workerd", "worker", "browser"],
    });
    built.set(name.name, folder);
  }
}

/** All of them, Chatkeep's builds first. */
export function contenders() {
  return [...built.keys()];
}

/**
 * @param {string} name
 * @param {Stack} stack
 * @param {Record<string, string>} [vars]
 * @param {{untouched?: boolean}} [options] `untouched`: no request has come yet
 * @returns {Promise<Contender>}
 */
export async function startContender(name, stack, vars = {}, options = {}) {
  const folder = built.get(name);
  if (!folder) throw new Error(`no contender ${name}`);
  const { gateway } = stack;
  const prefix = vars.KEY_PREFIX ?? `${name}:`;
  const all = {
    UPSTASH_REDIS_REST_URL: gateway.url,
    UPSTASH_REDIS_REST_TOKEN: gateway.token,
    KEY_PREFIX: prefix,
    MAX_MESSAGES_PER_SESSION: "100",
    MAX_SESSIONS_PER_OWNER: "100000000",
    SESSION_TTL_SECONDS: "604800",
    ...vars,
  };
  const worker = await startWorkerd(folder, all, {}, options);
  return { name, prefix, stack, api: new Api(worker.url), ...worker };
}
