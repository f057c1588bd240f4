// Every store of chatkeep/server, on real parts: in memory, over TCP, and over the REST dialect through the gateway.
import { after, before, describe } from "node:test";
import { createStore } from "chatkeep/server";
import { startGateway } from "../harness/gateway.mjs";
import { startRedis } from "../harness/redis.mjs";

/** @import { Store, StoreOptions } from "chatkeep/server" */
/** @typedef {{store: Store, kind: "memory" | "redis" | "upstash", redis?: import("../harness/redis.mjs").Redis,
 *   another: (options?: StoreOptions) => Store}} The */

/** As tests/harness/stores.mjs has it: CHATKEEP_STORE restricts a suite to what needs no Redis, or to what does. */
const KINDS = /** @type {const} */ ({ vault: ["memory"], redis: ["redis", "upstash"] });
const wanted = process.env.CHATKEEP_STORE;
const kinds = Object.entries(KINDS).flatMap(([name, kinds]) => (!wanted || name === wanted ? kinds : []));

/**
 * Defines a suite for each store.
 * @param {string} title
 * @param {(the: The) => void} define `the` is filled when tests run; `another` opens a second store on the same sessions, or,
 *   in memory, on none
 */
export function onEachLibraryStore(title, define) {
  describe(title, () => {
    for (const kind of kinds) {
      describe(`on ${kind}`, () => {
        const the = /** @type {The} */ ({ kind });
        /** @type {(() => Promise<unknown>)[]} */
        const ends = [];
        before(async () => {
          /** @type {StoreOptions} */
          let place = { memory: true };
          if (kind !== "memory") {
            const redis = await startRedis();
            ends.push(redis.stop);
            the.redis = redis;
            place = { url: redis.url };
            if (kind === "upstash") {
              const gateway = await startGateway({ redisUrl: redis.url });
              ends.push(gateway.stop);
              place = { url: gateway.url, token: gateway.token };
            }
          }
          the.another = (options) => {
            const store = createStore({ ...place, env: {}, ...options });
            ends.push(() => store.close());
            return store;
          };
          the.store = the.another();
        });
        after(async () => {
          for (const end of ends.reverse()) await end();
        });
        define(the);
      });
    }
  });
}

/** Why a suite that needs a Redis is not run; false when it is. */
export function onLibraryRedis() {
  return wanted === "vault" ? "runs with a Redis only" : false;
}
