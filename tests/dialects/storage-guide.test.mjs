// The dialect /storage-guide, row by row.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Api, eventually, ok } from "../harness/api.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { startRedis } from "../harness/redis.mjs";
import { forEachStore, onRedis } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";
import { onEachStoreSpeaking, RFC_3339, shell, TEXTS } from "./dialect.mjs";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const SESSIONS = "/api/chat/sessions";
const UNKNOWN = "550e8400-e29b-41d4-a716-446655440000";

/** A client with the dialect's calls. */
const speaking = (api) => ({
  api,
  create: async (user) => ok(await api.send("POST", `${SESSIONS}?user_id=${encodeURIComponent(user)}`)),
  send: (id, message, metadata) => api.send("POST", `${SESSIONS}/${id}/messages`, { message, metadata }),
  history: async (id, query = "") => ok(await api.get(`${SESSIONS}/${id}/history${query}`)),
  list: async (query = "") => ok(await api.get(`${SESSIONS}${query}`)),
  delete: (id) => api.send("DELETE", `${SESSIONS}/${id}`),
});

function assertNotFound(answer) {
  assert.deepEqual(
    [answer.status, answer.body?.detail, answer.body?.code],
    [404, "Session not found", "session_not_found"],
  );
}

onEachStoreSpeaking("storage-guide", {}, (the) => {
  const guide = () => speaking(the.dialect);

  test("C1 create: a bare uuid, there at once, with an empty history", async () => {
    for (const api of [the.dialect, the.root]) {
      const made = await speaking(api).create("user123");
      assert.deepEqual(Object.keys(made), ["session_id", "created_at"]);
      assert.match(made.session_id, UUID);
      assert.match(made.created_at, RFC_3339);
      const history = await speaking(api).history(made.session_id);
      assert.deepEqual(history, { session_id: made.session_id, messages: [], total_messages: 0 });
    }
    const again = () => the.dialect.send("POST", SESSIONS, undefined, { "idempotency-key": "create-once" });
    assert.equal(ok(await again()).session_id, ok(await again()).session_id);
  });

  test("C2 turn: the answer's fields, and what stays on the messages", async () => {
    const { session_id } = await guide().create("user123");
    const turn = ok(await guide().send(session_id, TEXTS[1], { source: "web" }));
    const names = ["session_id", "user_message", "assistant_response", "sources", "processing_time_ms"];
    assert.deepEqual(Object.keys(turn), names);
    assert.deepEqual([turn.session_id, turn.user_message, turn.sources], [session_id, TEXTS[1], []]);
    assert.ok(turn.assistant_response.includes(TEXTS[1]));
    assert.ok(Number.isInteger(turn.processing_time_ms) && turn.processing_time_ms >= 0);
    const { messages } = await guide().history(session_id);
    const { sources, processing_time_ms } = turn;
    assert.deepEqual(
      messages.map(({ metadata }) => metadata),
      [{ source: "web" }, { sources, processing_time_ms }],
    );
  });

  test("C3 history: all that is kept, or the newest; the total counts all ever stored", async () => {
    const { session_id } = await guide().create("user123");
    for (const text of TEXTS) ok(await guide().send(session_id, text));
    const all = await guide().history(session_id);
    assert.deepEqual(Object.keys(all), ["session_id", "messages", "total_messages"]);
    assert.deepEqual([all.messages.length, all.total_messages], [8, 8]);
    assert.deepEqual(
      all.messages.filter(({ role }) => role === "user").map(({ content }) => content),
      TEXTS,
    );
    for (const message of all.messages) {
      assert.deepEqual(Object.keys(message), ["role", "content", "timestamp", "metadata"]);
      assert.match(message.timestamp, RFC_3339);
    }
    assert.deepEqual(all.messages[0].metadata, {});
    const newest = await guide().history(session_id, "?max_messages=3");
    assert.deepEqual(newest.messages, all.messages.slice(-3));
    assert.equal(newest.total_messages, 8);
    assert.equal((await the.dialect.get(`${SESSIONS}/${session_id}/history?max_messages=0`)).status, 400);
  });

  test("C4 list: a user's sessions, unpaged", async () => {
    const mine = [];
    for (let number = 0; number < 21; number += 1) {
      const made = await Promise.all(Array.from({ length: 10 }, () => guide().create("C4 user/ž")));
      mine.push(...made);
    }
    await guide().create("another");
    const list = await guide().list(`?user_id=${encodeURIComponent("C4 user/ž")}`);
    assert.deepEqual(Object.keys(list), ["sessions", "total"]);
    assert.equal(list.total, 210);
    const sorted = (sessions) => sessions.map((session) => JSON.stringify(session)).sort();
    assert.deepEqual(sorted(list.sessions), sorted(mine));
    assert.ok((await guide().list()).total > 210);
    assert.deepEqual(await guide().list("?user_id=nobody"), { sessions: [], total: 0 });
  });

  test("C5 delete", async () => {
    const { session_id } = await guide().create("C5");
    ok(await guide().send(session_id, "Hello!"));
    assert.deepEqual(ok(await guide().delete(session_id)), { message: `Session ${session_id} deleted` });
    assert.equal((await guide().list("?user_id=C5")).total, 0);
  });

  test("C6 unknown: 404 for what is unknown, malformed or deleted, and a turn never creates", async () => {
    const { session_id } = await guide().create("user123");
    ok(await guide().delete(session_id));
    for (const id of [UNKNOWN, session_id, "-", "a b"]) {
      const path = encodeURIComponent(id);
      assertNotFound(await guide().send(path, "Hello!"));
      assertNotFound(await the.dialect.get(`${SESSIONS}/${path}/history`));
      assertNotFound(await guide().delete(path));
    }
    assert.ok(!(await guide().list()).sessions.some((session) => session.session_id === UNKNOWN));
  });

  test("C7 identity: user_id is on the card, not the owner", async () => {
    const { session_id } = await guide().create("user123");
    ok(await guide().send(session_id, "Hello!"));
    const card = ok(await the.dialect.get("/v1/sessions?limit=200")).sessions.find(
      (one) => one.session_id === session_id,
    );
    assert.equal(card.user_id, "user123");
    ok(await the.dialect.send("PATCH", `/v1/sessions/${session_id}`, { pinned: true }));
    assert.equal(ok(await the.dialect.get(`/v1/sessions/${session_id}`)).user_id, "user123");
    assert.equal((await the.dialect.send("POST", `${SESSIONS}?user_id=${"x".repeat(257)}`)).status, 400);
  });

  test("C9 operations: count, export, clear", async () => {
    ok(await the.dialect.send("DELETE", "/v1/sessions"));
    const { session_id } = await guide().create("C9");
    ok(await guide().send(session_id, TEXTS[1]));
    assert.equal(ok(await the.dialect.get("/v1/sessions?limit=1")).count, 1);
    const lines = (await the.dialect.get("/v1/export")).text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(lines.at(-1).end, { sessions: 1, messages: 2 });
    assert.equal(lines[0].session.user_id, "C9");
    assert.deepEqual(ok(await the.dialect.send("DELETE", "/v1/sessions")), { deleted: 1 });
    assert.equal((await guide().list()).total, 0);
    const backup = lines
      .map((line) => JSON.stringify(line))
      .join("\n")
      .replaceAll(session_id, UNKNOWN);
    assert.equal(ok(await the.dialect.send("POST", "/v1/import", backup)).messages, 2);
    assert.equal((await guide().list("?user_id=C9")).total, 1);
  });
});

forEachStore("storage-guide, configured", (store) => {
  test("C7 identity: user_id is believed of an API key, and of nobody else", async () => {
    const vars = { API_KEYS: "a-server-s-own-key", VISITOR_SECRET: randomBytes(32).toString("hex") };
    const worker = await startWorker({ store, vars });
    try {
      const { token } = ok(await new Api(worker.url).send("POST", "/v1/visitors"));
      const [server, visitor] = [{ "x-api-key": "a-server-s-own-key" }, { authorization: `Bearer ${token}` }].map(
        (headers) => speaking(new Api(`${worker.url}/storage-guide`, headers)),
      );
      const { session_id } = await server.create("ada");
      assert.equal((await server.list("?user_id=ada")).total, 1);
      await visitor.create("ada");
      const mine = await visitor.list("?user_id=ada");
      assert.equal(mine.total, 1);
      assert.equal("user_id" in ok(await visitor.api.get(`/v1/sessions/${mine.sessions[0].session_id}`)), false);
      assertNotFound(await visitor.send(session_id, "Hello!"));
      assert.equal((await server.list("?user_id=ada")).total, 1);
    } finally {
      await worker.stop();
    }
  });

  test("C8 storage: an hour, slid by every message, and at most 100 messages", async () => {
    const worker = await startWorker({ store });
    try {
      const guide = speaking(new Api(`${worker.url}/storage-guide`));
      const { session_id } = await guide.create("user123");
      const left = async () => ok(await guide.api.get(`/v1/sessions/${session_id}`)).expires_in_seconds;
      await eventually(left, (seconds) => seconds <= 3598);
      ok(await guide.send(session_id, "Hello!"));
      assert.ok((await left()) >= 3599);
      for (let number = 0; number < 52; number += 1) ok(await guide.send(session_id, `message ${number}`));
      const { messages, total_messages } = await guide.history(session_id);
      assert.deepEqual([messages.length, total_messages, messages.at(-2).content], [100, 106, "message 51"]);
      if (worker.redis) {
        const key = `session:{app}:s:${session_id}`;
        const fields = await worker.redis.cli("HMGET", key, "created", "updated", "flags");
        assert.match(fields, /^\d{13}\n\d{13}\n-@user123$/);
        assert.equal(await worker.redis.cli("EXISTS", key), "1");
        const ttl = Number(await worker.redis.cli("TTL", key));
        assert.ok(ttl > 3540 && ttl <= 3600, `${ttl}`);
      }
    } finally {
      await worker.stop();
    }
  });

  test("C6 unknown: an expired session too", async () => {
    const worker = await startWorker({ store, vars: { SESSION_TTL_SECONDS: "1" } });
    try {
      const guide = speaking(new Api(`${worker.url}/storage-guide`));
      const { session_id } = await guide.create("user123");
      const gone = () => guide.api.get(`${SESSIONS}/${session_id}/history`);
      assertNotFound(await eventually(gone, ({ status }) => status !== 200));
      assertNotFound(await guide.send(session_id, "Hello!"));
    } finally {
      await worker.stop();
    }
  });
});

onRedis("storage-guide on database 1 of a real Redis", () => {
  test("C10 its script and its curl calls run unchanged but for host and key names", async () => {
    const redis = await startRedis();
    const gateway = await startGateway({ redisUrl: `${redis.url}/1` });
    const worker = await startWorker({ store: "upstash", redis, gateway });
    try {
      const script = (name) => readFileSync(join(import.meta.dirname, "fixtures", name), "utf8");
      const env = { BASE: `${worker.url}/storage-guide`, REDIS_PORT: `${redis.port}` };
      const lines = (await shell(script("test_sessions.sh"), env)).split("\n");
      const after = (heading) => lines.slice(lines.findIndex((line) => line.startsWith(heading)) + 1);
      assert.equal(after("3.")[0], "1");
      const ttl = Number(after("3.")[1]);
      assert.ok(ttl > 3540 && ttl <= 3600, `${ttl}`);
      assert.equal(JSON.parse(after("4.").join("\n").split("\n5.")[0]).total_messages, 2);
      assert.match(after("5.")[0], /"message":"Session .* deleted"/);
      assert.equal(lines.slice(lines.findIndex((line) => line.endsWith("6. Verify deleted...")) + 1)[0], "0");

      const conversation = await shell(script("multi_turn.sh"), env);
      assert.match(conversation, /Giải thích rõ hơn về điều kiện tài chính/);
      assert.match(conversation, /"total_messages": 4/);
    } finally {
      await worker.stop();
      await gateway.stop();
      await redis.stop();
    }
  });

  test("C9 operations by redis-cli: count, memory, TTL left, activity", async () => {
    const redis = await startRedis();
    const worker = await startWorker({ store: "upstash", redis });
    try {
      const guide = speaking(new Api(`${worker.url}/storage-guide`));
      const { session_id } = await guide.create("user123");
      const key = `session:{app}:s:${session_id}`;
      assert.equal(await redis.cli("ZCOUNT", "session:{app}:index", `${Date.now()}`, "+inf"), "1");
      assert.match(await redis.cli("INFO", "memory"), /used_memory_human:/);
      assert.ok(Number(await redis.cli("TTL", key)) > 3540);
      assert.equal(await redis.cli("TTL", `session:{app}:s:${UNKNOWN}`), "-2");
      await redis.cli("PERSIST", key);
      assert.equal(await redis.cli("TTL", key), "-1");
      // The time is the session's own field: without Redis' TTL it ends all the same, and its next turn sets the TTL again.
      ok(await guide.send(session_id, "Hello!"));
      assert.ok(Number(await redis.cli("TTL", key)) > 3540);
    } finally {
      await worker.stop();
      await redis.stop();
    }
  });
});
