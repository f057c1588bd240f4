// chatkeep/server on a local Redis, over TCP and over REST: one call after another, beside the figures that one of the five
// systems states for its store.
import { createStore } from "chatkeep/server";
import { table } from "./report.mjs";
import { startStack } from "./stack.mjs";

/** @import { Store, StoreOptions } from "chatkeep/server" */

const STATE = {
  state: "new_problem",
  current_attempt: 0,
  conversation_history: Array(10).fill("a message"),
  max_attempts: 3,
};

/** @type {{what: string, stated: string, run: (store: Store, n: number) => Promise<unknown>}[]} */
const FIGURES = [
  { what: "store a state", stated: "0.5", run: (store, n) => store.set(`agent-${n % 100}`, STATE) },
  { what: "load a state", stated: "0.3", run: (store, n) => store.get(`agent-${n % 100}`) },
  { what: "list of 100 sessions", stated: "10", run: (store) => store.list({ limit: 100 }) },
  {
    what: "list of 100 with 2 fields of each state",
    stated: "",
    run: (store) => store.list({ fields: ["state", "current_attempt"] }),
  },
];

/** @param {{seconds: number, gateway?: "debug" | "native"}} options */
export async function library({ seconds, gateway }) {
  const stack = await startStack(gateway);
  /** @type {Record<string, StoreOptions>} */
  const places = { TCP: { url: stack.redis.url }, REST: { url: stack.gateway.url, token: stack.gateway.token } };
  const results = [];
  for (const [name, place] of Object.entries(places)) {
    const store = createStore({ ...place, env: {}, fallback: false, keyPrefix: `${name}:` });
    for (let n = 0; n < 100; n += 1) await store.set(`agent-${n}`, STATE);
    for (const { what, stated, run } of FIGURES) {
      const times = [];
      for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
        const begin = performance.now();
        await run(store, times.length);
        times.push(performance.now() - begin);
      }
      times.sort((one, other) => one - other);
      const at = (/** @type {number} */ share) => times[Math.floor(times.length * share)] ?? Number.NaN;
      results.push({ what: `${what}, ${name}`, stated, p50: at(0.5), p99: at(0.99), calls: times.length });
    }
    await store.close();
  }
  await stack.stop();
  console.log(
    "\nStated figures of a store beside those of chatkeep/server, ms (in Node, local Redis; one call after another)",
  );
  table([
    ["", "stated", "p50", "p99"],
    ...results.map(({ what, stated, p50, p99 }) => [what, stated, p50.toFixed(2), p99.toFixed(2)]),
  ]);
  return { results, targets: [] };
}
