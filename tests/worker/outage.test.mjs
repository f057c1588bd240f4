// What a database far away can do to the Worker: lost answers, delays, refusals. Nothing is doubled, all is reported.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, afterEach, before, describe, test } from "node:test";
import { Api, assertProblem, eventually, ok } from "../harness/api.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { startRedis } from "../harness/redis.mjs";
import { startWorker } from "../harness/worker.mjs";

/** @import { Gateway } from "../harness/gateway.mjs" */

let redis;
/** @type {Gateway} */
let gateway;
let worker;
/** @type {Api} */
let api;
before(async () => {
  redis = await startRedis();
  gateway = await startGateway({ redisUrl: redis.url, faults: true });
  worker = await startWorker({ store: "upstash", gateway });
  api = new Api(worker.url);
  // The scripts become known to Redis, so that faults meet the usual requests.
  const { session_id } = await api.say("Hello");
  await api.history(session_id);
  await api.list();
});
after(async () => {
  await worker?.stop();
  await gateway?.stop();
  await redis?.stop();
});
afterEach(() => gateway.clear());

const aTurn = () => ({ message: "Hello", session_id: `s-${randomUUID()}`, message_id: `m-${randomUUID()}` });

describe("one fault is survived", () => {
  // A turn is two calls: the fault meets the one that begins it (skip 0) or the one that finishes it (skip 1).
  for (const fault of ["drop_response", "drop_request"]) {
    for (const skip of [0, 1]) {
      test(`${fault} after ${skip} calls`, async () => {
        const turn = aTurn();
        await gateway.order({ fault, skip, command: "evalsha" });
        const answer = ok(await api.chat(turn));
        assert.equal("replayed" in answer, false);
        const { messages } = await api.history(turn.session_id);
        assert.deepEqual(
          messages.map((message) => message.id),
          [turn.message_id, `r-${turn.message_id}`],
        );
        assert.equal(ok(await api.info(turn.session_id)).total_messages, 2);
      });
    }
  }

  test("drop_response of a create", async () => {
    await gateway.order({ fault: "drop_response", command: "evalsha" });
    const created = await api.send("POST", "/v1/sessions", { session_id: `s-${randomUUID()}` });
    assert.equal(created.status, 201, created.text);
  });

  test("scripts that Redis forgot", async () => {
    await redis.cli("SCRIPT", "FLUSH", "SYNC");
    const turn = aTurn();
    ok(await api.chat(turn));
    assert.equal((await api.texts(turn.session_id)).length, 2);
  });
});

describe("a lasting fault is reported, and a retry works when it is over", () => {
  for (const [fault, more, code, cause] of [
    ["drop_request", {}, "store_unavailable", "network"],
    ["drop_response", {}, "store_unavailable", "network"],
    ["delay_response", { ms: 5_000 }, "store_unavailable", "timeout"],
    ["quota", {}, "store_unavailable", "quota"],
    ["quota", { status: 200 }, "store_unavailable", "quota"],
    ["suspended", {}, "store_unavailable", ""],
    ["readonly", {}, "store_unavailable", "read_?only"],
    ["oom", {}, "store_unavailable", "out_?of_?memory|oom"],
    ["server_error", {}, "store_unavailable", "gateway"],
    ["unauthorized", {}, "store_misconfigured", ""],
  ]) {
    test(`${fault} ${JSON.stringify(more)}: ${code}`, async () => {
      const turn = aTurn();
      await gateway.order({ fault, count: 1_000, ...more });
      const problem = assertProblem(await api.chat(turn), 503, code);
      assert.match(problem.detail, new RegExp(cause));
      assert.equal(problem.retryable, code === "store_unavailable");
      assertProblem(await api.get("/v1/sessions"), 503, code);
      const health = await api.get("/health");
      assert.deepEqual([health.status, health.body.status], [503, "degraded"]);
      assert.match(health.body.cause, new RegExp(`.*(${cause})`));

      await gateway.clear();
      // A lost answer may have left a turn that seems to run; its lease would end in two minutes, its own retry now.
      const again = await api.chat(turn);
      if (fault.endsWith("response")) assert.ok([200, 409].includes(again.status), again.text);
      else assert.equal(ok(again).response.length > 0, true);
      const texts = (await api.texts(turn.session_id)).filter((text) => text === turn.message);
      assert.equal(texts.length, 1);
    });
  }
});

test("a Redis that hangs is an outage, until it goes on", async () => {
  await gateway.order({ fault: "delay", ms: 60_000, count: 1_000 });
  const begin = Date.now();
  assertProblem(await api.chat(aTurn()), 503, "store_unavailable");
  assert.ok(Date.now() - begin < 3_000, `${Date.now() - begin} ms`);
  await gateway.clear();
  await eventually(
    () => api.get("/health"),
    ({ status }) => status === 200,
  );
  ok(await api.chat(aTurn()));
});

test("a gateway that is gone is an outage, until it is back", async () => {
  const turn = aTurn();
  await gateway.kill();
  assertProblem(await api.chat(turn), 503, "store_unavailable");
  await gateway.restart();
  ok(await api.chat(turn));
  assert.equal((await api.texts(turn.session_id)).length, 2);
});

test("a wrong token is a misconfiguration, and is in no log", async () => {
  const vars = { UPSTASH_REDIS_REST_TOKEN: "a-wrong-secret-token" };
  const misled = await startWorker({ store: "upstash", gateway, vars });
  try {
    const its_api = new Api(misled.url);
    assertProblem(await its_api.chat({ message: "Hello" }), 503, "store_misconfigured");
    const { status, body, text } = await its_api.get("/health");
    assert.deepEqual([status, body.status, body.redis], [503, "degraded", "disconnected"]);
    for (const said of [text, misled.logs(), worker.logs(), gateway.logs()]) {
      assert.ok(!said.includes(vars.UPSTASH_REDIS_REST_TOKEN) && !said.includes(gateway.token));
    }
  } finally {
    await misled.stop();
  }
});
