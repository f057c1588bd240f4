// Runs one suite on every store. CHATKEEP_STORE=vault or CHATKEEP_STORE=redis restricts it to one.
import { after, before, describe } from "node:test";
import { Api, ok } from "./api.mjs";
import { startWorker } from "./worker.mjs";

/** @import { Worker } from "./worker.mjs" */

const NAMES = /** @type {const} */ ({ vault: "vault", redis: "upstash" });

/** @type {("vault" | "upstash")[]} */
export const STORES = Object.entries(NAMES)
  .filter(([name]) => [undefined, "", name].includes(process.env.CHATKEEP_STORE))
  .map(([, store]) => store);

/**
 * Starts a Worker on each store, and defines tests that use it.
 * @param {string} title
 * @param {Record<string, string>} vars the Worker's
 * @param {(the: {api: Api, worker: Worker, store: "vault" | "upstash"}) => void} define `the` is filled when tests run
 */
export function onEachStore(title, vars, define) {
  for (const store of STORES) {
    describe(`${title}, on ${store}`, () => {
      const the = /** @type {{api: Api, worker: Worker, store: "vault" | "upstash"}} */ ({ store });
      before(async () => {
        the.worker = await startWorker({ store, vars });
        the.api = new Api(the.worker.url);
      });
      after(() => the.worker?.stop());
      define(the);
    });
  }
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
