// What a database far away can do to the Worker: lost answers, delays, refusals. Nothing is lost or doubled, all is named.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, afterEach, before, describe, test } from "node:test";
import { Api, assertProblem, eventually, ok } from "../harness/api.mjs";
import { startWorker } from "../harness/worker.mjs";

/** @import { Gateway } from "../harness/gateway.mjs" */

let redis;
/** @type {Gateway} */
let gateway;
let worker;
/** @type {Api} */
let api;
before(async () => {
  worker = await startWorker({ store: "upstash", faults: true });
  ({ redis, gateway } = worker);
  api = new Api(worker.url);
  // The scripts become known to Redis, so that faults meet the usual requests.
  const { session_id } = await api.say("Hello");
  await api.history(session_id);
  await api.list();
});
after(() => worker?.stop());
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

/** Waits until Redis is asked again and nothing is left in the journal. */
async function recovered() {
  await gateway.clear();
  await eventually(
    () => api.chat({ message: "Are you there?", session_id: "recovered" }),
    ({ body }) => body.response && !body.degraded,
  );
}

/** The texts of a session as Redis itself has them, oldest first. */
async function inRedis(id) {
  const key = `chatkeep:{app}:s:${id}`;
  const [first, next] = (await redis.cli("HMGET", key, "first", "next")).split("\n").map(Number);
  const texts = [];
  for (let position = first; position < next; position++) {
    texts.push(JSON.parse(await redis.cli("HGET", key, `m:${position}`)).content);
  }
  return texts;
}

describe("a lasting fault is named, and the journal takes over", () => {
  for (const [fault, more, cause] of [
    ["drop_request", {}, "network"],
    ["drop_response", {}, "network"],
    ["delay_response", { ms: 5_000 }, "timeout"],
    ["quota", {}, "quota"],
    ["quota", { status: 200 }, "quota"],
    ["suspended", {}, "quota"],
    ["readonly", {}, "read_only"],
    ["oom", {}, "out_of_memory"],
    ["server_error", {}, "bad_gateway"],
  ]) {
    test(`${fault} ${JSON.stringify(more)}: ${cause}`, async () => {
      const before_it = aTurn();
      const { session_id } = before_it;
      ok(await api.chat(before_it));
      await gateway.order({ fault, count: 10_000, ...more });

      const turn = { ...aTurn(), session_id, message: "While it was away", existing: true };
      const began = Date.now();
      const answer = await api.chat(turn);
      assert.ok(Date.now() - began < 3_000, `${Date.now() - began} ms`); // a second; the rest is for a busy machine
      assert.deepEqual([ok(answer).degraded, answer.body.message_id], [true, turn.message_id]);
      const marker = answer.headers.get("chatkeep-journal") ?? "";
      assert.match(marker, /^[^-]/);
      assert.equal(ok(await api.chat(turn)).replayed, true);
      const fresh = aTurn();
      assert.deepEqual(
        [ok(await api.chat(fresh)).degraded, ok(await api.info(fresh.session_id)).degraded],
        [true, true],
      );
      const jarvis = ok(await api.send("POST", "/jarvis/api/chat", { message: "In another shape" }));
      assert.equal(jarvis.degraded, true);
      assertProblem(await api.info(`s-${randomUUID()}`), 503, "store_unavailable");
      const health = await api.get("/health");
      assert.deepEqual([health.status, health.body.status, health.body.cause], [503, "degraded", cause], health.text);
      assert.deepEqual([health.body.using_fallback, health.body.journal_depth > 0], [true, true], health.text);

      await gateway.clear();
      const again = await eventually(
        () => api.send("GET", `/v1/sessions/${session_id}/history`, undefined, { "chatkeep-journal": marker }),
        ({ body }) => !body.degraded,
      );
      assert.equal(again.headers.get("chatkeep-journal") ?? "-", "-");
      const texts = [before_it.message, turn.message].flatMap((text) => [text, /./]);
      for (const found of [again.body.messages.map((message) => message.content), await inRedis(session_id)]) {
        assert.equal(found.length, 4, JSON.stringify(found));
        texts.forEach((text, at) => void assert.match(found[at], new RegExp(text)));
      }
      assert.equal((await inRedis(fresh.session_id)).length, 2);
      await recovered();
    });
  }

  test("unauthorized: nothing is hidden by a fallback", async () => {
    const turn = aTurn();
    await gateway.order({ fault: "unauthorized", count: 1_000 });
    const problem = assertProblem(await api.chat(turn), 503, "store_misconfigured");
    assert.equal(problem.retryable, false);
    assertProblem(await api.get("/v1/sessions"), 503, "store_misconfigured");
    const health = await api.get("/health");
    assert.deepEqual([health.status, health.body.cause, health.body.using_fallback], [503, "unauthorized", false]);
    await recovered();
    ok(await api.chat(turn));
    assert.equal((await api.texts(turn.session_id)).length, 2);
  });
});

test("what was known in an earlier outage does not count in the next", async () => {
  const session_id = `s-${randomUUID()}`;
  await redis.cli("REPLICAOF", "127.0.0.1", "1");
  after(() => redis.cli("REPLICAOF", "NO", "ONE"));
  // Nothing is taken: it is only learnt that there is no such session.
  const early = { message: "Too early", session_id, existing: true };
  assertProblem(await api.chat(early), 404, "session_not_found");
  await redis.cli("REPLICAOF", "NO", "ONE");
  await api.say("Made later", { session_id });
  await gateway.order({ fault: "drop_request", count: 10_000 });
  const turn = ok(await api.chat({ message: "And now?", session_id, existing: true }));
  assert.equal(turn.degraded, true);
  await recovered();
  assert.equal((await inRedis(session_id)).length, 4);
});

describe("a Redis that refuses writes still serves what it has, and takes part in what is decided", () => {
  for (const [cause, refuse, allow] of [
    ["read_only", ["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]],
    ["out_of_memory", ["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]],
  ]) {
    test(cause, async () => {
      const [read, written, gone] = Array.from({ length: 3 }, () => `s-${randomUUID()}`);
      for (const session_id of [read, written, gone]) await api.say("Kept", { session_id });
      await redis.cli(...refuse);
      after(() => redis.cli(...allow));

      assert.deepEqual((await api.texts(read))[0], "Kept");
      const turn = ok(await api.chat({ message: "Do you remember?", session_id: written, existing: true }));
      assert.deepEqual([turn.degraded, turn.session.message_count, turn.session.title], [true, 4, "Kept"]);
      assert.match(turn.response, /Kept/, "the window comes from Redis");
      assertProblem(
        await api.chat({ message: "?", session_id: `s-${randomUUID()}`, existing: true }),
        404,
        "session_not_found",
      );
      ok(await api.delete(gone));
      const listed = (await api.list("?limit=200")).sessions.map((session) => session.session_id);
      assert.deepEqual(
        [read, written, gone].map((id) => listed.filter((one) => one === id).length),
        [1, 1, 0],
      );
      const { body } = await api.get("/health");
      assert.deepEqual([body.status, body.redis, body.cause], ["degraded", "connected", cause]);

      await redis.cli(...allow);
      await recovered();
      assert.equal((await api.texts(written)).length, 4);
      assertProblem(await api.info(gone), 404, "session_not_found");
    });
  }
});

test("what only unknown contents decide is not decided", async () => {
  const { session_id } = await api.say("Kept", { session_id: `s-${randomUUID()}` });
  const path = `/v1/sessions/${session_id}`;
  const put = (headers) => api.send("PUT", `${path}/state`, { n: 1 }, headers);
  await gateway.order({ fault: "drop_request", count: 10_000 });
  for (const answer of [
    await api.info(session_id),
    await api.send("GET", `${path}/history`),
    await api.send("POST", `${path}/truncate`, { after: "r-unknown" }),
    await api.send("POST", `${path}/fork`),
    await api.send("POST", `${path}/restore`),
    await api.send("GET", `${path}/state`),
    await put({ "if-none-match": "*" }),
    await put({ "if-match": '"1-1"' }),
    await api.send("DELETE", "/v1/sessions"),
    await api.get("/v1/export"),
  ]) {
    assert.equal(assertProblem(answer, 503, "store_unavailable").retryable, true);
  }
  const patched = ok(await api.send("PATCH", path, { pinned: true }));
  assert.deepEqual([patched.degraded, patched.pinned], [true, true]);
  assert.equal(ok(await put({})).degraded, true);
  const state = await api.get(`${path}/state`);
  assert.deepEqual([state.status, state.body], [200, { n: 1 }]);
  await recovered();
  const info = ok(await api.info(session_id));
  assert.deepEqual([info.pinned, info.title, info.message_count], [true, "Kept", 2]);
  assert.deepEqual(ok(await api.get(`${path}/state`)), { n: 1 });
});

test("a delete in an outage stays one", async () => {
  const { session_id } = await api.say("Kept", { session_id: `s-${randomUUID()}` });
  await gateway.order({ fault: "drop_request", count: 10_000 });
  assert.equal(ok(await api.delete(session_id)).degraded, true);
  assertProblem(await api.chat({ message: "Late", session_id }), 410, "session_deleted");
  await recovered();
  assertProblem(await api.info(session_id), 404, "session_not_found");
  assertProblem(await api.chat({ message: "Late", session_id }), 410, "session_deleted");
  assert.equal(await redis.cli("EXISTS", `chatkeep:{app}:s:${session_id}`), "0");
});

test("a Redis that goes between begin and finish costs the turn nothing", async () => {
  const { session_id } = await api.say("Kept", { session_id: `s-${randomUUID()}` });
  await gateway.order({ fault: "drop_request", skip: 1, count: 10_000 });
  const turn = ok(await api.chat({ message: "Half way", session_id, existing: true }));
  assert.deepEqual([turn.degraded, turn.session.message_count], [true, 4]);
  assert.match(turn.response, /Kept/);
  await recovered();
  assert.deepEqual((await inRedis(session_id)).slice(2), ["Half way", turn.response]);
});

test("a chat goes on with what this isolate remembers of it", async () => {
  const { session_id } = await api.say("I am Ada", { session_id: `s-${randomUUID()}` });
  await gateway.order({ fault: "drop_request", count: 10_000 });
  const turn = ok(await api.chat({ message: "Who am I?", session_id, existing: true }));
  assert.deepEqual([turn.degraded, turn.session.title, turn.session.message_count], [true, "I am Ada", 4]);
  assert.match(turn.response, /Ada/);
  await recovered();
  assert.equal((await inRedis(session_id)).length, 4);
});

test("two processes that both journaled one session lose and double nothing", async () => {
  const session_id = `s-${randomUUID()}`;
  await api.say("Before", { session_id });
  const second = await startWorker({ store: "upstash", gateway });
  try {
    const apis = [api, new Api(second.url)];
    await gateway.order({ fault: "drop_request", count: 10_000 });
    for (let number = 0; number < 3; number++) {
      for (const [at, one] of apis.entries()) {
        const message = `${"ab"[at]}${number}`;
        assert.equal(ok(await one.chat({ message, session_id, existing: true })).degraded, true);
      }
    }
    await recovered();
    const texts = await eventually(
      () => inRedis(session_id),
      (found) => found.length >= 14,
    );
    assert.equal(texts.length, 14);
    const said = texts.filter((text) => /^[ab]\d$/.test(text));
    for (const letter of "ab") {
      const its = said.filter((text) => text.startsWith(letter));
      assert.deepEqual(its, [`${letter}0`, `${letter}1`, `${letter}2`]);
    }
    for (const one of apis) assert.deepEqual(await one.texts(session_id), texts);
  } finally {
    await second.stop();
  }
});

test("requests don't wait for a Redis that has just failed others", async () => {
  await gateway.order({ fault: "delay", ms: 60_000, count: 1_000 });
  for (let number = 0; number < 3; number++) ok(await api.chat(aTurn()));
  const { body } = await api.get("/health");
  assert.notEqual(body.breaker, "closed");
  await gateway.resetCounters();
  const answers = await Promise.all(Array.from({ length: 20 }, () => api.chat(aTurn())));
  assert.ok(answers.every((answer) => ok(answer).degraded));
  const { requests } = await gateway.counters();
  assert.ok(requests < 20, `${requests} requests for 40 operations`);
  const lines = worker.logs().match(/store_failing/g) ?? [];
  assert.ok(lines.length < 40, "told once a transition");
  await recovered();
});

test("a gateway that is gone is an outage, until it is back", async () => {
  const turn = aTurn();
  await gateway.kill();
  assert.equal(ok(await api.chat(turn)).degraded, true);
  await gateway.restart();
  await recovered();
  assert.equal(ok(await api.chat(turn)).replayed, true);
  assert.equal((await api.texts(turn.session_id)).length, 2);
});

test("answers say what they waited for", async () => {
  const { headers } = await api.chat(aTurn());
  assert.match(headers.get("server-timing") ?? "", /^store;dur=\d+, responder;dur=\d+, total;dur=\d+$/);
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
