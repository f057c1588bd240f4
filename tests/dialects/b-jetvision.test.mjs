// System B, a server's conversation store: rows B1 to B6, by chatkeep/server. B7's scripts have tests of their own.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { ChatkeepError, createStore, getStore } from "chatkeep/server";
import { Api, eventually } from "../harness/api.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { startRedis } from "../harness/redis.mjs";
import { startWorker } from "../harness/worker.mjs";
import { StoreProcess } from "../library/processes.mjs";
import { onEachLibraryStore, onLibraryRedis } from "../library/stores.mjs";

const conversation = {
  sessionId: "session-123",
  intent: { type: "flight", from: "PRG", to: "Đà Nẵng" },
  history: [{ role: "user", content: "Chci letět do São Paula" }],
  complete: false,
};

/** @type {(() => Promise<unknown>)[]} */
const ends = [];
after(async () => {
  for (const end of ends.reverse()) await end();
});

onEachLibraryStore("B, on each store", (the) => {
  test("B1 library store: set, get, delete, refreshTTL, getHealth, close; get of an absent id is null", async () => {
    const store = the.another({ keyPrefix: "myapp:conv:", ttlSeconds: 1800 });
    await store.initialize();
    assert.equal(await store.get("session-123"), null);
    await store.set("session-123", conversation);
    assert.deepEqual(await store.get("session-123"), conversation);
    assert.equal(await store.refreshTTL("session-123"), true);
    assert.equal((await store.info("session-123")).ttlSeconds, 1800);
    assert.equal(await store.delete("session-123"), true);
    assert.equal(await store.get("session-123"), null);
    assert.equal((await store.getHealth()).usingFallback, false);
    await store.close();
  });

  test("B1 set refreshes the TTL, and initialize is never required", async () => {
    const store = the.another({ keyPrefix: "slide:", ttlSeconds: 2 });
    await store.set("slides", 1);
    const begin = Date.now();
    await eventually(
      async () => void (await store.set("slides", Date.now())),
      () => Date.now() - begin > 2_300,
    );
    assert.notEqual(await store.get("slides"), null);
    await eventually(
      () => store.get("slides"),
      (state) => state === null,
    );
  });

  test("B3 health: connected, latencyMs, usingFallback", async () => {
    const { connected, latencyMs, usingFallback } = await the.store.getHealth();
    assert.deepEqual([connected, usingFallback, typeof latencyMs], [the.kind !== "memory", false, "number"]);
  });
});

test("B1 getStore gives one store, and a new one after it is closed", async () => {
  const store = getStore({ memory: true });
  assert.equal(getStore(), store);
  await store.set("a", 1);
  assert.equal(await getStore().get("a"), 1);
  await store.close();
  const next = getStore({ memory: true });
  assert.notEqual(next, store);
  assert.equal(await next.get("a"), null);
  await next.close();
});

describe("B, on Redis", { skip: onLibraryRedis() }, () => {
  test("B2 config: a URL, its parts, Upstash or KV_REST_API, a password of its own; TTL 3600 by default", async () => {
    const redis = await startRedis({ args: ["--requirepass", "p@ss/wörd"] });
    ends.push(redis.stop);
    const cli = (/** @type {string[]} */ ...words) => redis.cli("--no-auth-warning", "-a", "p@ss/wörd", ...words);
    await cli("ACL", "SETUSER", "ada", "on", ">lovelace", "~*", "+@all");
    const secret = encodeURIComponent("p@ss/wörd");
    const at = `127.0.0.1:${redis.port}`;
    const gateway = await startGateway({ redisUrl: `redis://:${secret}@${at}` });
    ends.push(gateway.stop);
    for (const [db, env] of /** @type {[number, Record<string, string>][]} */ ([
      [0, { REDIS_URL: `redis://:${secret}@${at}` }],
      [2, { REDIS_URL: `redis://:${secret}@${at}/2` }],
      [0, { REDIS_URL: `redis://ada:lovelace@${at}` }],
      [3, { REDIS_URL: `redis://${at}`, REDIS_PASSWORD: "p@ss/wörd", REDIS_DB: "3" }],
      [
        4,
        { REDIS_HOST: "127.0.0.1", REDIS_PORT: `${redis.port}`, REDIS_PASSWORD: "p@ss/wörd", REDIS_DB_SESSIONS: "4" },
      ],
      [0, { UPSTASH_REDIS_REST_URL: gateway.url, UPSTASH_REDIS_REST_TOKEN: gateway.token }],
      [0, { KV_REST_API_URL: `${gateway.url}/`, KV_REST_API_TOKEN: gateway.token }],
    ])) {
      const store = createStore({ env });
      ends.push(() => store.close());
      await store.set("configured", Object.keys(env));
      const ttl = Number(await cli("-n", `${db}`, "TTL", "chatkeep:{app}:s:configured"));
      assert.ok(ttl > 3590 && ttl <= 3600, `${Object.keys(env)}: ${ttl}`);
      assert.deepEqual(await store.get("configured"), Object.keys(env));
      await store.delete("configured");
    }
    const store = createStore({
      host: "127.0.0.1",
      port: redis.port,
      password: "p@ss/wörd",
      env: { REDIS_CONVERSATION_TTL: "60" },
    });
    ends.push(() => store.close());
    await store.set("configured", 1);
    assert.equal((await store.info("configured")).ttlSeconds, 60);
    const twice = createStore({ env: { REDIS_URL: `redis://:x@${at}`, REDIS_PASSWORD: "y" } });
    await assert.rejects(twice.get("x"), (error) => error instanceof ChatkeepError && error.code === "not_configured");
  });

  test("B4 fallback: starts with Redis down, warns once, comes back by itself, and merges", async () => {
    const redis = await startRedis({ appendonly: true });
    ends.push(redis.stop);
    const other = createStore({ url: redis.url, env: {} });
    ends.push(() => other.close());
    await other.addMessage("session-123", { role: "user", content: "before" });
    await redis.kill();

    /** @type {string[]} */
    const warned = [];
    const store = createStore({
      url: redis.url,
      env: {},
      logger: (line) => warned.push(line.event_type),
      logLevel: "warning",
    });
    ends.push(() => store.close());
    await store.initialize();
    await store.set("session-124", conversation);
    await store.addMessage("session-123", { question: "Where to?", answer: "São Paulo." });
    assert.deepEqual(await store.get("session-124"), conversation);
    const { connected, latencyMs, usingFallback } = await store.getHealth();
    assert.deepEqual([connected, latencyMs, usingFallback], [false, null, true]);
    assert.deepEqual(warned, ["redis_unavailable"]);

    await redis.restart();
    await eventually(
      () => warned.at(-1),
      (event) => event === "redis_recovered",
    );
    assert.deepEqual(await other.get("session-124"), conversation);
    for (const each of [store, other]) {
      const said = (await each.getHistory("session-123")).map(({ content }) => content);
      assert.deepEqual(said, ["before", "Where to?", "São Paulo."]);
    }
    assert.deepEqual(warned, ["redis_unavailable", "redis_recovered"]);
  });

  test("B5 scale: two processes with one Redis keep one order, also when both journaled the same session", async () => {
    const redis = await startRedis({ appendonly: true });
    const processes = [1, 2].map(() => new StoreProcess({ url: redis.url, env: {} }));
    ends.push(redis.stop, ...processes.map((process) => () => process.kill()));
    const say = (/** @type {number} */ at, /** @type {string} */ content) =>
      processes[at].call("addMessage", "shared", { role: "user", content });
    await Promise.all([say(0, "0 before"), say(1, "1 before")]);
    await redis.kill();
    for (let n = 0; n < 5; n += 1) await Promise.all([say(0, `0 away ${n}`), say(1, `1 away ${n}`)]);
    await redis.restart();
    for (const process of processes) await eventually(() => process.logged.includes("redis_recovered"), Boolean);
    await Promise.all([say(0, "0 after"), say(1, "1 after")]);
    const [one, two] = await Promise.all(processes.map((process) => process.call("getHistory", "shared")));
    assert.deepEqual(one, two);
    for (const at of [0, 1]) {
      const own = one
        .map((/** @type {any} */ message) => message.content)
        .filter((/** @type {string} */ text) => text[0] === `${at}`);
      assert.deepEqual(own, [`${at} before`, ...[0, 1, 2, 3, 4].map((n) => `${at} away ${n}`), `${at} after`]);
    }
  });

  test("B6 records: the Worker on the same Redis lists the store's sessions, and its directory has their owner", async () => {
    const worker = await startWorker({ store: "upstash", vars: { SESSION_TTL_SECONDS: "3600" } });
    ends.push(worker.stop);
    const store = createStore({ url: worker.redis?.url, env: {} });
    ends.push(() => store.close());
    await store.set("session-123", conversation);
    await store.addMessage("session-123", { question: "Kam letíš?", answer: "Do Prahy." });
    const api = new Api(worker.url);
    const { sessions } = await api.list("?fields=intent,complete");
    const { session_id, title, message_count, state, created_at, updated_at } = sessions[0];
    assert.deepEqual([session_id, title, message_count], ["session-123", "Kam letíš?", 2]);
    assert.deepEqual(state, { intent: conversation.intent, complete: false });
    assert.ok(created_at <= updated_at);
    const { owners } = (await api.get("/v1/admin/owners")).body;
    assert.deepEqual(
      owners.map((/** @type {{owner: string}} */ { owner }) => owner),
      ["app"],
    );
    await api.say("And back?", { session_id: "session-123" });
    assert.equal((await store.getHistory("session-123")).length, 4);
  });
});
