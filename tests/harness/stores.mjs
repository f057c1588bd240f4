// Runs one suite on every store. CHATKEEP_STORE=vault or CHATKEEP_STORE=redis restricts it to one.
import { after, before, describe } from "node:test";
import { Api, ok } from "./api.mjs";
import { startWorker } from "./worker.mjs";

/** @import { Worker } from "./worker.mjs" */

const NAMES = /** @type {const} */ ({ vault: "vault", redis: "upstash" });

const wanted = process.env.CHATKEEP_STORE;
if (wanted && !(wanted in NAMES)) throw new Error(`CHATKEEP_STORE is ${wanted}; there are vault and redis`);

/** @type {("vault" | "upstash")[]} */
export const STORES = Object.entries(NAMES)
  .filter(([name]) => !wanted || name === wanted)
  .map(([, store]) => store);

/**
 * Defines a suite for each store. The suites run beside each other, the tests of each one after another.
 * @param {string} title
 * @param {(store: "vault" | "upstash") => void} define
 */
export function forEachStore(title, define) {
  describe(title, { concurrency: true }, () => {
    for (const store of STORES) describe(`on ${store}`, { concurrency: false }, () => define(store));
  });
}

/**
 * Defines a suite of what only a Redis can do. With CHATKEEP_STORE=vault it is reported as skipped.
 * @param {string} title
 * @param {() => void} define
 */
export function onRedis(title, define) {
  const skip = !STORES.includes("upstash") && "CHATKEEP_STORE=vault";
  describe(title, { skip }, define);
}

/**
 * Starts a Worker on each store, and defines tests that use it.
 * @param {string} title
 * @param {Record<string, string>} vars the Worker's
 * @param {(the: {api: Api, worker: Worker, store: "vault" | "upstash"}) => void} define `the` is filled when tests run
 */
export function onEachStore(title, vars, define) {
  forEachStore(title, (store) => {
    const the = /** @type {{api: Api, worker: Worker, store: "vault" | "upstash"}} */ ({ store });
    before(async () => {
      the.worker = await startWorker({ store, vars });
      the.api = new Api(the.worker.url);
    });
    after(() => the.worker?.stop());
    define(the);
  });
}

/**
 * Deletes every session, so that a test of the list has it for itself.
 * @param {Api} api
 */
export async function deleteAll(api) {
  for (;;) {
    const { sessions } = await api.list("?limit=200");
    if (sessions.length === 0) return;
    for (const session of sessions) ok(await api.delete(session.session_id));
  }
}
