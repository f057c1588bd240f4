// The dialect /jarvis, row by row.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Api, assertProblem, eventually, ok } from "../harness/api.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { startRedis } from "../harness/redis.mjs";
import { forEachStore, onRedis } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";
import { onEachStoreSpeaking, RFC_3339, shell, TEXTS } from "./dialect.mjs";

const DAYS = 86_400;

onEachStoreSpeaking("jarvis", {}, (the) => {
  const chat = async (body, api = the.dialect) => ok(await api.send("POST", "/api/chat", body));
  const get = async (path) => ok(await the.dialect.get(path));

  for (const place of ["dialect", "root"]) {
    test(`A1 chat: a message opens a session and goes on in it, at the ${place}`, async () => {
      for (const absent of [{}, { session_id: null }]) {
        const first = await chat({ message: "Ahoj JARVIS!", ...absent }, the[place]);
        assert.deepEqual(Object.keys(first), ["response", "session_id"]);
        assert.match(first.session_id, /^sess_[0-9a-f]{32}$/);
        assert.match(first.response, /Ahoj JARVIS!/);
        const second = await chat({ message: "Jaké je počasí?", session_id: first.session_id }, the[place]);
        assert.equal(second.session_id, first.session_id);
        assert.match(second.response, /“Ahoj JARVIS!”/);
      }
    });
  }

  test("A2 New Chat, way A: without a session_id the next message opens a new session", async () => {
    const first = await chat({ message: "Ahoj" });
    const second = await chat({ message: "Začínám novou konverzaci" });
    assert.notEqual(second.session_id, first.session_id);
    assert.doesNotMatch(second.response, /Ahoj/);
  });

  test("A3 New Chat, way B: a new session is listed at once, with no messages", async () => {
    const made = ok(await the.dialect.send("POST", "/api/sessions/new"));
    assert.deepEqual(Object.keys(made), ["session_id", "message"]);
    assert.equal(made.message, "Nová session vytvořena");
    const { sessions } = await get("/api/sessions");
    assert.ok(sessions.includes(made.session_id));
    assert.equal((await get(`/api/sessions/${made.session_id}`)).message_count, 0);
    assert.deepEqual((await get(`/api/sessions/${made.session_id}/history`)).history, []);
    assert.equal((await chat({ message: "Ahoj", session_id: made.session_id })).session_id, made.session_id);
  });

  test("A4 list: every active id, unpaged", async () => {
    const made = [];
    for (let number = 0; number < 230; number += 10) {
      const some = Array.from({ length: 10 }, () => the.dialect.send("POST", "/api/sessions/new"));
      made.push(...(await Promise.all(some)).map((answer) => ok(answer).session_id));
    }
    const list = await get("/api/sessions");
    assert.deepEqual(Object.keys(list), ["sessions", "count"]);
    assert.equal(list.count, list.sessions.length);
    assert.deepEqual(
      made.filter((id) => !list.sessions.includes(id)),
      [],
    );
  });

  test("A5 info", async () => {
    const { session_id } = await chat({ message: "Ahoj" });
    const info = await get(`/api/sessions/${session_id}`);
    assert.deepEqual(Object.keys(info), ["session_id", "message_count", "updated_at", "expires_in_seconds"]);
    assert.deepEqual([info.session_id, info.message_count], [session_id, 2]);
    assert.match(info.updated_at, RFC_3339);
    assert.ok(info.expires_in_seconds > 7 * DAYS - 60 && info.expires_in_seconds <= 7 * DAYS, info.expires_in_seconds);
    assertProblem(await the.dialect.get("/api/sessions/sess_unknown"), 404, "session_not_found");
  });

  test("A6 history: roles and contents, byte for byte", async () => {
    const { session_id } = await chat({ message: TEXTS[0] });
    for (const message of TEXTS.slice(1)) await chat({ message, session_id });
    const history = await get(`/api/sessions/${session_id}/history`);
    assert.deepEqual(Object.keys(history), ["session_id", "history", "message_count"]);
    assert.equal(history.message_count, 8);
    const said = history.history.filter(({ role }) => role === "user");
    assert.deepEqual(
      said,
      TEXTS.map((content) => ({ role: "user", content })),
    );
    assert.equal(history.history[1].role, "assistant");
  });

  test("A6 history: all of a long one", async () => {
    const { session_id } = await chat({ message: "first" });
    for (let page = 0; page < 6; page += 1) {
      const messages = Array.from({ length: 100 }, (_, at) => ({ role: "user", content: `${page}.${at}` }));
      ok(await the.dialect.send("POST", `/v1/sessions/${session_id}/messages`, { messages }));
    }
    const { history } = await get(`/api/sessions/${session_id}/history`);
    assert.deepEqual([history.length, history[0].content, history.at(-1).content], [602, "first", "5.99"]);
  });

  test("A7 delete: the sentence is Czech, and the session is gone", async () => {
    const { session_id } = await chat({ message: "Ahoj" });
    const answer = ok(await the.dialect.send("DELETE", `/api/sessions/${session_id}`));
    assert.deepEqual(answer, { message: `Session ${session_id} byla smazána` });
    assertProblem(await the.dialect.get(`/api/sessions/${session_id}/history`), 404, "session_not_found");
    assertProblem(await the.dialect.send("DELETE", `/api/sessions/${session_id}`), 404, "session_not_found");
    assert.ok(!(await get("/api/sessions")).sessions.includes(session_id));
  });

  test("A9 health: at the root and under the name", async () => {
    for (const api of [the.dialect, the.root]) {
      const health = ok(await api.get("/health"));
      const expected = { vault: ["vault", "disconnected"], upstash: ["upstash", "connected"] }[the.store];
      assert.deepEqual([health.store, health.redis], expected);
      assert.deepEqual([health.status, health.authentication], ["healthy", "not configured"]);
    }
  });

  test("its sessions are apart from the canonical API's, which stays where it is", async () => {
    const { session_id } = await chat({ message: "Ahoj" });
    assertProblem(await the.api.info(session_id), 404, "session_not_found");
    const { session_id: canonical } = await the.api.say("Hello");
    assertProblem(await the.dialect.get(`/api/sessions/${canonical}`), 404, "session_not_found");
    assert.equal(ok(await the.dialect.get(`/v1/sessions/${session_id}`)).title, "Ahoj");
    assertProblem(await the.dialect.send("PUT", "/api/chat", {}), 405, "method_not_allowed");
  });
});

forEachStore("jarvis, configured", (store) => {
  test("A8 auth: X-API-Key", async () => {
    const worker = await startWorker({ store, vars: { API_KEYS: "first-secret-key,second-secret-key" } });
    try {
      const refused = await new Api(`${worker.url}/jarvis`).send("POST", "/api/chat", { message: "Ahoj" });
      assertProblem(refused, 401, "unauthorized");
      const api = new Api(`${worker.url}/jarvis`, { "X-API-Key": "second-secret-key" });
      const { session_id } = ok(await api.send("POST", "/api/chat", { message: "Ahoj" }));
      assert.equal(ok(await api.get(`/api/sessions/${session_id}`)).message_count, 2);
      assert.equal(ok(await new Api(`${worker.url}/jarvis`).get("/health")).authentication, "configured");
    } finally {
      await worker.stop();
    }
  });

  test("A10 TTL: sliding, in days", async () => {
    const worker = await startWorker({ store, vars: { SESSION_TTL_DAYS: "14" } });
    try {
      const api = new Api(`${worker.url}/jarvis`);
      const { session_id } = ok(await api.send("POST", "/api/chat", { message: "Ahoj" }));
      const left = async () => ok(await api.get(`/api/sessions/${session_id}`)).expires_in_seconds;
      assert.ok((await left()) > 14 * DAYS - 60 && (await left()) <= 14 * DAYS);
      await eventually(left, (seconds) => seconds <= 14 * DAYS - 2);
      ok(await api.send("POST", "/api/chat", { message: "Znovu", session_id }));
      assert.equal(await left(), 14 * DAYS);
      assert.equal(ok(await new Api(worker.url).chat({ message: "Hello" })).session.expires_in_seconds, 7 * DAYS);
    } finally {
      await worker.stop();
    }
  });

  test("sessions survive a restart", async () => {
    const redis = store === "upstash" ? await startRedis({ appendonly: true }) : undefined;
    const worker = await startWorker({ store, redis });
    try {
      const api = new Api(`${worker.url}/jarvis`);
      const { session_id } = ok(await api.send("POST", "/api/chat", { message: "Jmenuji se Žofie" }));
      await redis?.restart();
      await worker.restart();
      const again = { message: "Jak se jmenuji?", session_id };
      const answer = await eventually(
        () => api.send("POST", "/api/chat", again),
        ({ status }) => status === 200,
      );
      assert.match(answer.body.response, /Jmenuji se Žofie/);
    } finally {
      await worker.stop();
      await redis?.stop();
    }
  });
});

onRedis("jarvis on a real Redis", () => {
  test("A13 redis-cli: connection, keys and data", async () => {
    const redis = await startRedis();
    const gateway = await startGateway({ redisUrl: redis.url });
    const worker = await startWorker({ store: "upstash", redis, gateway });
    try {
      const api = new Api(`${worker.url}/jarvis`);
      const { session_id } = ok(await api.send("POST", "/api/chat", { message: "Ahoj" }));
      const cli = `redis-cli -p ${redis.port}`;
      assert.equal(await shell(`${cli} ping`), "PONG\n");
      const key = `jarvis:session:{app}:s:${session_id}`;
      assert.deepEqual((await shell(`${cli} KEYS "jarvis:session:*:s:*"`)).trim().split("\n"), [key]);
      const data = await shell(`${cli} HGETALL "${key}"`);
      assert.match(data, /"role":"user","content":"Ahoj"/);
      const ttl = Number(await shell(`${cli} TTL "${key}"`));
      assert.ok(ttl > 7 * DAYS - 60 && ttl <= 7 * DAYS, `${ttl}`);
    } finally {
      await worker.stop();
      await gateway.stop();
      await redis.stop();
    }
  });
});
