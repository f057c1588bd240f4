// What one owner stores has a budget, whichever way it comes, and so has what the journal keeps of it in an outage.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Api, assertProblem, eventually, ok } from "../harness/api.mjs";
import { forEachStore, onRedis } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

/** @import { Worker } from "../harness/worker.mjs" */

const VISITORS = { VISITOR_SECRET: "a secret that has thirty-two bytes", RATE_LIMIT: "off" };
const STATE = { text: "x".repeat(99_000) };

/** @param {Worker} worker */
async function visitor(worker) {
  const { token } = ok(await new Api(worker.url).send("POST", "/v1/visitors", {}));
  return new Api(worker.url, { authorization: `Bearer ${token}` });
}

forEachStore("the bytes of an owner", (store) => {
  /** @type {Worker} */
  let worker;
  before(async () => {
    const vars = { ...VISITORS, MAX_VISITOR_BYTES: "310000", UNDO_SECONDS: "3" };
    worker = await startWorker({ store, vars });
  });
  after(() => worker?.stop());

  test("are bounded whichever way they come, deleted ones as long as they can be restored", async () => {
    const [full, other] = [await visitor(worker), await visitor(worker)];
    for (const id of ["a", "b"]) {
      ok(await full.send("PUT", `/v1/sessions/${id}/state`, STATE));
      ok(await full.delete(id));
    }
    ok(await full.send("PUT", "/v1/sessions/c/state", STATE));
    const large = { role: "user", content: "x".repeat(90_000) };
    const exported = [
      { session: { session_id: "d", created_ms: 1763717400000, updated_ms: 1763717400000 } },
      {
        message: { session_id: "d", position: 0, message: { id: "m", created: "2026-11-21T09:30:00.000Z", ...large } },
      },
    ];
    const lines = exported.map((line) => `${JSON.stringify(line)}\n`).join("");
    for (const refused of [
      await full.send("PUT", "/v1/sessions/d/state", STATE),
      await full.chat({ message: large.content, session_id: "c" }),
      await full.chat({ message: large.content, session_id: "d" }),
      await full.send("POST", "/v1/sessions/c/messages", { messages: [large] }),
      await full.send("POST", "/v1/sessions/c/fork", {}),
      await full.send("POST", "/v1/import", lines, { "content-type": "application/x-ndjson" }),
    ]) {
      assert.equal(assertProblem(refused, 413, "storage_full").retryable, false);
    }
    assert.equal((await full.list()).count, 1, "nothing is left of what was refused");
    ok(await full.chat({ message: "A small question is answered", session_id: "c" }));
    ok(await other.send("PUT", "/v1/sessions/d/state", STATE));
    await eventually(
      () => full.send("PUT", "/v1/sessions/d/state", STATE),
      ({ status }) => status === 200 || status === 201,
    );
  });
});

onRedis("the journal of an owner", () => {
  /** @type {Worker} */
  let worker;
  before(async () => {
    worker = await startWorker({ store: "upstash", faults: true, vars: { ...VISITORS, MAX_JOURNAL_BYTES: "250000" } });
  });
  after(() => worker?.stop());

  test("takes so many bytes and says so", async () => {
    const [full, other] = [await visitor(worker), await visitor(worker)];
    await worker.gateway?.order({ fault: "drop_request", count: 100_000 });
    for (const id of ["a", "b"]) ok(await full.send("PUT", `/v1/sessions/${id}/state`, STATE));
    const refused = await full.send("PUT", "/v1/sessions/c/state", STATE);
    assert.equal(assertProblem(refused, 503, "journal_full").retryable, true);
    assert.match(refused.headers.get("retry-after") ?? "", /^[1-9]/);
    assert.equal(ok(await full.info("a")).session_id, "a", "what is there is read");
    ok(await other.send("PUT", "/v1/sessions/c/state", STATE));
    await worker.gateway?.clear();
    const back = await eventually(
      () => full.send("PUT", "/v1/sessions/c/state", STATE),
      ({ status }) => status === 200 || status === 201,
    );
    assert.ok(back);
    assert.deepEqual(
      (
        await eventually(
          () => full.get("/v1/sessions"),
          ({ body }) => body.count === 3,
        )
      ).status,
      200,
    );
  });
});
