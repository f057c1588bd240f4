// System D, whose agents keep a state: over the canonical state routes, row by row.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { Api, assertProblem, ok } from "../harness/api.mjs";
import { startRedis } from "../harness/redis.mjs";
import { deleteAll, forEachStore, onEachStore, onRedis } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

const path = (id) => `/v1/sessions/${id}/state`;
const initial = { state: "new_problem", current_attempt: 0, conversation_history: [], max_attempts: 3 };

/** Gets an agent's state, or creates it: one of two racing callers writes, both get what was written. */
async function getOrCreate(api, id, state) {
  const written = await api.send("PUT", path(id), state, { "if-none-match": "*" });
  if (written.status === 412) return { created: false, state: ok(await api.get(path(id))) };
  ok(written);
  return { created: true, state };
}

onEachStore("agent state", { SESSION_TTL: "3600" }, (the) => {
  test("D1 session manager: get or create, update, list with named fields and TTL, delete", async () => {
    await deleteAll(the.api);
    const racing = [1, 2].map((attempt) => getOrCreate(the.api, "user-123", { ...initial, current_attempt: attempt }));
    const [one, other] = await Promise.all(racing);
    assert.deepEqual([one.created, other.created].sort(), [false, true]);
    assert.deepEqual(one.state, other.state);
    assert.equal((await getOrCreate(the.api, "default", initial)).created, true);

    const read = await the.api.get(path("user-123"));
    const updated = { ...read.body, state: "solving", current_attempt: 2, note: "não disponível: ção ã é" };
    const etag = read.headers.get("etag");
    ok(await the.api.send("PUT", path("user-123"), updated, { "if-match": etag }));
    assertProblem(
      await the.api.send("PUT", path("user-123"), initial, { "if-match": etag }),
      412,
      "precondition_failed",
    );
    assert.deepEqual(ok(await the.api.get(path("user-123"))), updated);

    const { sessions } = await the.api.list("?fields=state,current_attempt");
    const listed = sessions.map(({ session_id, state, expires_in_seconds }) => {
      assert.ok(expires_in_seconds > 3540 && expires_in_seconds <= 3600);
      return [session_id, state];
    });
    assert.deepEqual(Object.fromEntries(listed), {
      "user-123": { state: "solving", current_attempt: 2 },
      default: { state: "new_problem", current_attempt: 0 },
    });

    ok(await the.api.delete("user-123"));
    assertProblem(await the.api.get(path("user-123")), 404, "session_not_found");
  });

  test("D1 session manager: text comes back byte for byte", async () => {
    const text = '{"note":"Sessões não persistem","n":1.50,"big":9007199254740993}';
    const id = `agent-${randomUUID()}`;
    ok(await the.api.send("PUT", path(id), text));
    assert.equal((await the.api.get(path(id))).text, text);
  });
});

forEachStore("agent state, configured", (store) => {
  test("D3 config: SESSION_TTL and REDIS_KEY_PREFIX", async () => {
    const worker = await startWorker({ store, vars: { SESSION_TTL: "1800", REDIS_KEY_PREFIX: "cql:session:" } });
    try {
      const api = new Api(worker.url);
      const written = ok(await api.send("PUT", path("default"), initial));
      assert.equal(written.expires_in_seconds, 1800);
      if (worker.redis) assert.equal(await worker.redis.cli("EXISTS", "cql:session:{app}:s:default"), "1");
    } finally {
      await worker.stop();
    }
  });
});

onRedis("agent state on one Redis", () => {
  test("D6 isolation: two prefixes and two dialects never meet", async () => {
    const redis = await startRedis();
    const workers = await Promise.all(
      ["staging:", "prod:"].map((KEY_PREFIX) => startWorker({ store: "upstash", redis, vars: { KEY_PREFIX } })),
    );
    try {
      const [staging, prod] = workers.map(({ url }) => new Api(url));
      ok(await staging.send("PUT", path("default"), { environment: "staging" }));
      assertProblem(await prod.get(path("default")), 404, "session_not_found");
      ok(await new Api(`${staging.url}/openta`).send("POST", "/chat/history/c1", { question: "q", answer: "a" }));
      assertProblem(await new Api(`${prod.url}/openta`).get("/chat/history/c1"), 404, "session_not_found");
      ok(await prod.send("DELETE", "/v1/sessions"));
      assert.deepEqual(ok(await staging.get(path("default"))), { environment: "staging" });
      const keys = (await redis.cli("KEYS", "*")).split("\n");
      assert.deepEqual(
        keys.filter((key) => !/^(staging|prod):/.test(key)),
        [],
      );
    } finally {
      for (const worker of workers) await worker.stop();
      await redis.stop();
    }
  });
});
