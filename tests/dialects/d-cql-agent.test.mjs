// System D, an agent's session manager: rows D1 to D6 and D8, by chatkeep/server. Over HTTP: agent-state.test.mjs.
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { after, describe, test } from "node:test";
import { promisify } from "node:util";
import { createStore } from "chatkeep/server";
import { makeCertificates } from "../harness/certificates.mjs";
import { ROOT, temporaryFolder } from "../harness/folders.mjs";
import { freePort } from "../harness/ports.mjs";
import { startRedis } from "../harness/redis.mjs";
import { onEachLibraryStore, onLibraryRedis } from "../library/stores.mjs";

const initial = { state: "new_problem", current_attempt: 0, conversation_history: [], max_attempts: 3 };

/** @type {(() => Promise<unknown>)[]} */
const ends = [];
after(async () => {
  for (const end of ends.reverse()) await end();
});

/** @param {import("chatkeep/server").StoreOptions} options */
function open(options) {
  const store = createStore({ env: {}, ...options });
  ends.push(() => store.close());
  return store;
}

onEachLibraryStore("D, on each store", (the) => {
  test("D1 session manager: get or create, update, list with named fields and TTL, delete", async () => {
    const store = the.another({ keyPrefix: "cql:session:" });
    const racing = [1, 2].map((attempt) => store.getOrCreate("user-123", { ...initial, current_attempt: attempt }));
    const [one, two] = await Promise.all(racing);
    assert.deepEqual(one, two);
    assert.deepEqual(await store.getOrCreate("default", () => initial), initial);

    await store.set("user-123", { ...one, state: "solving", current_attempt: 2, note: "não disponível: ção" });
    const { sessions } = await store.list({ fields: ["state", "current_attempt"] });
    const listed = Object.fromEntries(sessions.map(({ id, state, ttlSeconds }) => [id, { ...state, ttl: ttlSeconds }]));
    assert.deepEqual(listed, {
      "user-123": { state: "solving", current_attempt: 2, ttl: 3600 },
      default: { state: "new_problem", current_attempt: 0, ttl: 3600 },
    });
    assert.equal(await store.delete("user-123"), true);
    assert.equal(await store.get("user-123"), null);
    assert.deepEqual(await store.getOrCreate("user-123", initial), initial);
  });

  test("D4 logs: one JSON object a line, and a start-up line with redacted URL and TTL", async () => {
    /** @type {import("chatkeep/server").LogLine[]} */
    const lines = [];
    const store = the.another({ keyPrefix: "logs:", logger: (line) => lines.push(line) });
    await store.set("user-123", { secret: "not for the log" });
    await store.delete("user-123");
    const [started, created, deleted] = lines;
    assert.deepEqual(
      [started.level, started.component, started.event_type, started.default_ttl],
      ["INFO", "session", "store_started", 3600],
    );
    assert.match(
      String(started.redis_url),
      { memory: /^memory$/, redis: /^redis:\/\/127\.0\.0\.1:\d+\/0$/, upstash: /^http:/ }[the.kind],
    );
    assert.deepEqual([created.event_type, created.session_id], ["session_created", "user-123"]);
    assert.deepEqual([deleted.event_type, deleted.session_id], ["session_deleted", "user-123"]);
    for (const line of lines) {
      assert.match(line.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.ok(line.logger && line.message && line.component);
      assert.doesNotMatch(JSON.stringify(line), /not for the log/);
    }
  });
});

test("D4 logs: to the console, one JSON object a line", async () => {
  const script = `import { createStore } from "chatkeep/server";
    const store = createStore({ memory: true, logger: "json" });
    await store.set("user-123", 1);`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { cwd: ROOT });
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ event_type }) => event_type),
    ["store_started", "session_created"],
  );
});

describe("D, on Redis", { skip: onLibraryRedis() }, () => {
  test("D2 stores: USE_REDIS=false wins over a URL, and memory takes over when Redis is away at start", async () => {
    const redis = await startRedis();
    ends.push(redis.stop);
    for (const [USE_REDIS, kind] of [
      ["false", "memory"],
      ["true", "redis"],
    ]) {
      const store = open({ env: { USE_REDIS, REDIS_URL: redis.url } });
      await store.set("user-123", initial);
      assert.deepEqual([(await store.getHealth()).store, await store.get("user-123")], [kind, initial]);
    }
    const away = open({ url: `redis://127.0.0.1:${await freePort()}`, logger: false });
    await away.initialize();
    assert.deepEqual(await away.getOrCreate("user-123", initial), initial);
    const { connected, usingFallback } = await away.getHealth();
    assert.deepEqual([connected, usingFallback], [false, true]);
  });

  test("D3 config: host, port, db and password one by one, SESSION_TTL, REDIS_KEY_PREFIX", async () => {
    const redis = await startRedis({ args: ["--requirepass", "sua-senha-aqui"] });
    ends.push(redis.stop);
    const env = {
      USE_REDIS: "true",
      REDIS_HOST: "127.0.0.1",
      REDIS_PORT: `${redis.port}`,
      REDIS_DB: "1",
      REDIS_PASSWORD: "sua-senha-aqui",
      SESSION_TTL: "1800",
      REDIS_KEY_PREFIX: "cql:session:",
    };
    await open({ env }).set("user-123", initial);
    const cli = (/** @type {string[]} */ ...words) =>
      redis.cli("--no-auth-warning", "-a", "sua-senha-aqui", "-n", "1", ...words);
    assert.equal(await cli("EXISTS", "cql:session:{app}:s:user-123"), "1");
    const ttl = Number(await cli("TTL", "cql:session:{app}:s:user-123"));
    assert.ok(ttl > 1790 && ttl <= 1800, `${ttl}`);
  });

  test("D6 isolation: environments by db or prefix never meet, and instances share one", async () => {
    const redis = await startRedis();
    ends.push(redis.stop);
    const environments = [{ db: 0 }, { db: 15 }, { db: 1 }, { keyPrefix: "prod:" }];
    const stores = environments.map((environment) => open({ url: redis.url, ...environment }));
    for (const [at, store] of stores.entries()) await store.set("user-123", { at });
    for (const [at, store] of stores.entries()) {
      assert.deepEqual(await store.get("user-123"), { at });
      assert.equal((await store.list()).count, 1);
      assert.deepEqual(await open({ url: redis.url, ...environments[at] }).get("user-123"), { at });
    }
    await stores[0].deleteAll();
    for (const store of stores.slice(1)) assert.equal((await store.list()).count, 1);
  });

  test("D6 isolation: TLS with an authority of one's own, and no other", async () => {
    const certificates = makeCertificates();
    const { ca } = certificates;
    const redis = await startRedis({ certificates });
    ends.push(redis.stop);
    const url = `rediss://127.0.0.1:${redis.tlsPort}/0`;
    for (const options of [
      { url, tls: { ca: readFileSync(ca, "utf8") } },
      { env: { REDIS_URL: url, REDIS_TLS_CA: ca } },
    ]) {
      const store = open(options);
      await store.set("user-123", initial);
      assert.deepEqual([await store.get("user-123"), (await store.getHealth()).connected], [initial, true]);
    }
    const stranger = open({ url, fallback: false });
    await assert.rejects(stranger.get("user-123"));
    assert.equal((await stranger.getHealth()).connected, false);
  });
});

describe("D, its figures", { skip: onLibraryRedis() }, () => {
  test("D5 figures: the bench prints ours beside the document's", async () => {
    const results = temporaryFolder("results");
    const options = ["--only", "library", "--seconds", "1", "--gateway", "debug", "--results", results];
    const { stdout } = await promisify(execFile)(process.execPath, ["bench/run.mjs", ...options], { cwd: ROOT });
    for (const [what, stated] of [
      ["store a state", "0\\.5"],
      ["load a state", "0\\.3"],
      ["list of 100 sessions", "10"],
    ]) {
      for (const place of ["TCP", "REST"]) {
        assert.match(stdout, new RegExp(`^  ${what}, ${place} +${stated} +\\d+\\.\\d\\d +\\d+\\.\\d\\d$`, "m"));
      }
    }
    assert.equal(readdirSync(results).length, 1);
  });
});

describe("D, its suites", () => {
  const suite = (/** @type {string[]} */ program, /** @type {NodeJS.ProcessEnv} */ environment) => {
    const env = { ...process.env, ...environment };
    delete env.NODE_TEST_CONTEXT; // else it would report to this run
    const { status, stdout } = spawnSync(process.execPath, program, { cwd: ROOT, env, encoding: "utf8" });
    return { status, stdout };
  };

  test("D8 tests: the suite is the same on both stores, and a missing Redis is reported, never passed", () => {
    const exit = ["--import", "./tests/harness/exit.mjs"];
    const agent = [...exit, "--test", "--test-reporter=tap", "tests/dialects/agent-state.test.mjs"];
    const names = (/** @type {string} */ tap, /** @type {string} */ kind) =>
      [...tap.matchAll(new RegExp(`^ +${kind} \\d+ - ([A-F]\\d.*)$`, "gm"))].map((match) => match[1]).sort();
    const vault = suite(agent, { CHATKEEP_STORE: "vault" });
    assert.equal(vault.status, 0, vault.stdout);
    const nowhere = temporaryFolder("no-redis");
    const redis = suite(agent, { CHATKEEP_STORE: "redis", PATH: nowhere });
    assert.equal(redis.status, 1, redis.stdout);
    const onVault = names(vault.stdout, "ok");
    const failed = names(redis.stdout, "not ok");
    assert.ok(onVault.length > 0);
    assert.deepEqual([names(redis.stdout, "ok"), onVault.filter((name) => !failed.includes(name))], [[], []]);
    const all = suite(["scripts/test-suites.mjs", "--store", "redis", "--only", "cli"], { PATH: nowhere });
    assert.equal(all.status, 1);
    assert.match(all.stdout, /redis-server is missing[\s\S]*\n0 passed, [1-9]\d* failed\n$/);
    assert.equal(suite(["scripts/test-suites.mjs", "--store", "paper"], {}).status, 2);
  });
});
