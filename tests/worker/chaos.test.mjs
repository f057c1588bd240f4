// The short form of the chaos run; `npm run chaos -- --minutes 2` is the long one. Redis loses its data in the long one alone: a turn
// whose archiving failed at that moment is lost then, as docs/protocol.md says.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import { chaos } from "../chaos/run.mjs";
import { STORES } from "../harness/stores.mjs";

test("half a minute of chaos loses, doubles and hides nothing", { skip: !STORES.includes("upstash") }, async (t) => {
  const seed = Number(process.env.CHATKEEP_SEED ?? randomInt(2 ** 31));
  t.diagnostic(`CHATKEEP_SEED=${seed}`);
  const { faults, counts, verdict, logs } = await chaos({ seconds: 30, seed, emptied: 0 });
  t.diagnostic(JSON.stringify({ faults, ...counts, messages: verdict.messages }));
  const { messages, cases, ...amiss } = verdict;
  assert.deepEqual(
    [counts.wrong, cases, amiss],
    [[], [], { lost: 0, doubled: 0, hidden: 0, disordered: 0, changed: 0, unasked: 0, undead: 0, broken: 0 }],
    `CHATKEEP_SEED=${seed}`,
  );
  assert.ok(Object.keys(faults).length >= 6, JSON.stringify(faults));
  assert.ok(counts.turns >= 20 && counts.degraded >= 10, JSON.stringify(counts));
  assert.ok(!logs.includes("text of "), "no message text is in a log");
});
