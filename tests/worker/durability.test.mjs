// Nothing that was acknowledged is lost: stops, crashes and restarts of workerd and of Redis.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { Api, assertProblem, eventually, ok } from "../harness/api.mjs";
import { FakeModelApi } from "../harness/model-api.mjs";
import { startRedis } from "../harness/redis.mjs";
import { forEachStore, STORES } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

/** Everything that a client can see, but for what changes with time alone. */
async function everything(api) {
  const list = await api.list("?limit=200");
  const sessions = [];
  for (const { session_id } of list.sessions) {
    const { expires_in_seconds, ...info } = ok(await api.info(session_id));
    sessions.push({ info, history: await api.history(session_id, "?limit=500") });
  }
  return { count: list.count, sessions };
}

/** Fills an empty store with some of each kind. */
async function fill(api) {
  for (const session_id of ["a", "b"]) {
    for (const message of ["Ahoj", "Xin chào", "Olá"]) {
      await api.say(message, { session_id, message_id: `m-${message.length}`, metadata: { message } });
    }
  }
  ok(await api.send("POST", "/v1/sessions", { session_id: "empty", title: "Prázdná" }));
  await api.say("Gone", { session_id: "deleted" });
  ok(await api.delete("deleted"));
}

forEachStore("workerd", (store) => {
  let worker;
  let api;
  let before_it;
  before(async () => {
    worker = await startWorker({ store });
    api = new Api(worker.url);
    await fill(api);
    before_it = await everything(api);
    assert.equal(before_it.count, 3);
  });
  after(() => worker?.stop());

  test("a stop and a start keep every session", async () => {
    await worker.restart();
    assert.deepEqual(await everything(api), before_it);
    assertProblem(await api.chat({ message: "Late", session_id: "deleted" }), 410, "session_deleted");
  });

  test("a crash keeps what was acknowledged last", async () => {
    const turn = { message: "Before the crash", session_id: "crash", message_id: "m1" };
    const { response } = ok(await api.chat(turn));
    await worker.kill();
    await worker.restart();
    const again = ok(await api.chat(turn));
    assert.deepEqual([again.replayed, again.response], [true, response]);
    assert.deepEqual(await api.texts("crash"), [turn.message, response]);
    const { sessions } = await everything(api);
    assert.deepEqual(sessions.slice(1), before_it.sessions);
  });

  test("the chat goes on where it was", async () => {
    const answer = await api.say("Do you remember?", { session_id: "a", existing: true });
    assert.match(answer.response, /Olá/);
    assert.equal(answer.session.message_count, 8);
  });
});

forEachStore("workerd, in the middle of a turn", (store) => {
  test("leaves a turn that can be repeated", async () => {
    const model = await FakeModelApi.start();
    const vars = { RESPONDER: "openai", OPENAI_BASE_URL: model.url, LEASE_SECONDS: "1" };
    const worker = await startWorker({ store, vars });
    try {
      const api = new Api(worker.url);
      const turn = { message: "Half way", session_id: "half", message_id: "m1" };
      model.hang();
      const cut = api.chat(turn).catch(() => "cut off");
      await model.received(1);
      await worker.kill();
      assert.equal(await cut, "cut off");
      await worker.restart();
      model.say("Answered");
      const answer = await eventually(
        () => api.chat(turn),
        ({ status }) => status !== 409,
      );
      assert.equal(ok(answer).response, "Answered");
      assert.deepEqual(await api.texts("half"), ["Half way", "Answered"]);
    } finally {
      await worker.stop();
      await model.stop();
    }
  });
});

if (STORES.includes("vault")) {
  test("a vault from before bytes were counted is counted when it is opened", async () => {
    const worker = await startWorker({ store: "vault" });
    try {
      const api = new Api(worker.url);
      const { session } = await api.say("žluťoučký kůň", { session_id: "old" });
      assert.ok(session.bytes > 0);
      await worker.kill();
      let changed = 0;
      for (const path of readdirSync(worker.persistTo, { recursive: true, encoding: "utf8" })) {
        if (!path.includes("Vault") || !path.endsWith(".sqlite")) continue;
        const file = new DatabaseSync(join(worker.persistTo, path));
        const { found } = file.prepare("SELECT count(*) AS found FROM sqlite_master WHERE name = 'messages'").get();
        if (found) file.exec("ALTER TABLE sessions DROP COLUMN bytes");
        changed += found;
        file.close();
      }
      assert.equal(changed, 1);
      await worker.restart();
      const { expires_in_seconds, ...info } = ok(await api.info("old"));
      assert.deepEqual({ expires_in_seconds, ...info }, { ...session, expires_in_seconds });
    } finally {
      await worker.stop();
    }
  });
}

if (STORES.includes("upstash")) {
  describe("Redis with an append-only file", () => {
    let redis;
    let worker;
    let api;
    before(async () => {
      redis = await startRedis({ appendonly: true });
      worker = await startWorker({ store: "upstash", redis });
      api = new Api(worker.url);
      await fill(api);
    });
    after(async () => {
      await worker?.stop();
      await redis?.stop();
    });

    test("a stop and a start keep every session", async () => {
      const before_it = await everything(api);
      await redis.restart();
      // The gateway connects anew in its time, and `/health` may still say what it heard before the stop.
      await eventually(
        () => api.get("/v1/sessions"),
        ({ status }) => status === 200,
      );
      assert.deepEqual(await everything(api), before_it);
    });

    test("a crash keeps every session; while it is away the journal takes over", async () => {
      const before_it = await everything(api);
      const done = { message: "Olá", session_id: "b", message_id: "m-3", metadata: { message: "Olá" } };
      const turn = { message: "In the dark", session_id: "b", message_id: "m-dark" };
      await redis.kill();

      const begin = Date.now();
      const answer = await api.chat(turn);
      // A second by design; the rest is for a busy machine.
      assert.ok(Date.now() - begin < 3_000, `${Date.now() - begin} ms`);
      assert.equal(ok(answer).degraded, true);
      const unknown = await api.get("/v1/sessions/a");
      assert.equal(assertProblem(unknown, 503, "store_unavailable").retryable, true);
      assert.match(unknown.headers.get("retry-after") ?? "", /^[1-9]/);
      const health = await api.get("/health");
      assert.deepEqual([health.status, health.body.status, health.body.redis], [503, "degraded", "disconnected"]);
      assert.deepEqual([health.body.store, health.body.using_fallback], ["upstash", true]);

      await redis.restart();
      await eventually(
        () => api.get("/health"),
        ({ status, body }) => status === 200 && body.redis === "connected" && body.journal_depth === 0,
      );
      assert.equal(ok(await api.chat(done)).replayed, true);
      assert.equal(ok(await api.chat(turn)).replayed, true);
      const texts = await api.texts("b");
      assert.equal(texts.length, 8);
      assert.equal(texts.filter((text) => text === turn.message).length, 1);
      const others = ({ sessions }) => sessions.filter(({ info }) => info.session_id !== "b");
      assert.deepEqual(others(await everything(api)), others(before_it));
    });

    test("a crash of workerd in an outage keeps the journal", async () => {
      await redis.kill();
      const turn = { message: "Before the crash", session_id: "crash", message_id: "m1" };
      const { response, degraded } = ok(await api.chat(turn));
      assert.equal(degraded, true);
      await worker.kill();
      await worker.restart();
      assert.deepEqual([ok(await api.chat(turn)).replayed, (await api.texts("crash")).length], [true, 2]);
      await redis.restart();
      const key = "chatkeep:{app}:s:crash";
      await eventually(
        () => redis.cli("HMGET", key, "next", "total"),
        (counts) => counts === "2\n2",
      );
      assert.deepEqual(await api.texts("crash"), [turn.message, response]);
    });
  });
}
