// Who reads much waits for itself: the turns and lists of others go on, and the store isn't taken for one that is away.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { Api, assertProblem, ok } from "../harness/api.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

/** @import { Worker } from "../harness/worker.mjs" */

const VISITORS = { VISITOR_SECRET: "a secret that has thirty-two bytes" };
const READERS = 16;
const ROUNDS = 20;

/** @param {Worker} worker */
async function visitor(worker) {
  const { token } = ok(await new Api(worker.url).send("POST", "/v1/visitors", {}));
  return new Api(worker.url, { authorization: `Bearer ${token}` });
}

/**
 * A session whose last page has a megabyte.
 * @param {Api} api
 */
async function largeSession(api) {
  const id = `s-${randomUUID()}`;
  for (const count of [3, 1]) {
    const messages = Array.from({ length: count }, () => ({ role: "user", content: "x".repeat(250_000) }));
    ok(await api.send("POST", `/v1/sessions/${id}/messages`, { messages }));
  }
  return id;
}

forEachStore("sixteen readers of a megabyte each", (store) => {
  /** @type {Worker} */
  let worker;
  before(async () => {
    worker = await startWorker({ store, vars: { ...VISITORS, RATE_LIMIT: "off", LARGE_READ_LIMIT: "off" } });
  });
  after(() => worker?.stop());

  test("leave the turns and lists of others alone", async () => {
    const [reader, other] = [await visitor(worker), await visitor(worker)];
    const id = await largeSession(reader);
    await other.say("Hello");

    let over = false;
    const seen = new Map();
    const readers = Array.from({ length: READERS }, async () => {
      while (!over) {
        const page = await reader.get(`/v1/sessions/${id}/history?limit=500`);
        if (page.status !== 200) {
          assertProblem(page, 429, "too_many_reads");
          assert.match(page.headers.get("retry-after") ?? "", /^[1-9]/);
        }
        seen.set(page.status, (seen.get(page.status) ?? 0) + 1);
      }
    });
    const rounds = (async () => {
      try {
        for (let round = 0; round < ROUNDS; round++) {
          const turn = ok(await other.chat({ message: "Hello", session_id: "s" }));
          const list = ok(await other.get("/v1/sessions"));
          assert.deepEqual([turn.degraded, list.degraded], [undefined, undefined], `in round ${round}`);
        }
      } finally {
        over = true;
      }
    })();
    await Promise.all([rounds, ...readers]);
    assert.ok(seen.get(200) > 0, "and they are served, one after another");
    if (store === "upstash") assert.equal((await new Api(worker.url).get("/health")).body.breaker, "closed");
  });
});

forEachStore("a budget of large reads", (store) => {
  /** @type {Worker} */
  let worker;
  // A window so long that no test crosses two of them, but for one second in a day.
  before(async () => {
    worker = await startWorker({ store, vars: { ...VISITORS, LARGE_READ_LIMIT: "2/86400" } });
  });
  after(() => worker?.stop());

  test("refuses an owner's reads beyond it, and no turn and no other's read", async () => {
    const [reader, other] = [await visitor(worker), await visitor(worker)];
    const [id, others] = [await largeSession(reader), await largeSession(other)];
    for (let read = 0; read < 2; read++) ok(await reader.get(`/v1/sessions/${id}/history`));
    const refused = await reader.get(`/v1/sessions/${id}/history?limit=1`);
    assert.equal(assertProblem(refused, 429, "too_many_reads").retryable, true);
    assert.ok(Number(refused.headers.get("retry-after")) > 1);
    assertProblem(await reader.get("/v1/export"), 429, "too_many_reads");
    ok(await reader.chat({ message: "Hello", session_id: id }));
    ok(await reader.get("/v1/sessions"));
    assert.equal(ok(await other.get(`/v1/sessions/${others}/history`)).messages.length, 4);
  });
});
