// The layout in Redis, as redis-cli shows it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Api, assertProblem, eventually, ok } from "../harness/api.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { startRedis } from "../harness/redis.mjs";
import { startWorker } from "../harness/worker.mjs";

const TTL = 600;
let redis;
let gateway;
before(async () => {
  redis = await startRedis();
  gateway = await startGateway({ redisUrl: redis.url, faults: true });
});
after(async () => {
  await gateway?.stop();
  await redis?.stop();
});

/** @param {Record<string, string>} vars */
async function aWorker(vars) {
  const worker = await startWorker({ store: "upstash", gateway, vars: { SESSION_TTL_SECONDS: `${TTL}`, ...vars } });
  return { worker, api: new Api(worker.url) };
}

const DIRECTORY = /:?owners:\{\d\d\}$/;

/** @returns {Promise<string[]>} sorted */
async function allKeys() {
  return (await redis.cli("--scan")).split("\n").filter(Boolean).sort();
}

/** The keys of owners. The directory of owners is written after the answer, once in a while. */
async function keys() {
  return (await allKeys()).filter((key) => !DIRECTORY.test(key));
}

/** @returns {Promise<Record<string, string>>} a hash, as JSON strings so that nothing in it can break a line */
async function hash(key) {
  const words = JSON.parse(await redis.cli("--json", "HGETALL", key));
  return words;
}

describe("two turns of one session", () => {
  const KEY = "chatkeep:{app}:s:s1";
  let the;
  let first;
  let second;
  before(async () => {
    the = await aWorker({});
    first = await the.api.say("Ahoj světe", { session_id: "s1", message_id: "m1", metadata: { a: 1 } });
    second = await the.api.say("two", { session_id: "s1", message_id: "m2" });
  });
  after(() => the?.worker.stop());

  test("are three keys: the session, the index and the cards", async () => {
    assert.deepEqual(await keys(), ["chatkeep:{app}:cards", "chatkeep:{app}:index", KEY]);
    const types = await Promise.all((await keys()).map((key) => redis.cli("TYPE", key)));
    assert.deepEqual(types, ["hash", "zset", "hash"]);
  });

  test("each key has a TTL, and none ends before the session", async () => {
    const session_ends = Number(await redis.cli("PEXPIRETIME", KEY));
    const shown = Date.parse(second.session.expires_at);
    // Redis counts from when it runs the script, the session from when the request came.
    assert.ok(session_ends >= shown && session_ends < shown + 30_000, `${session_ends} ${shown}`);
    for (const key of await keys()) {
      const ttl = Number(await redis.cli("TTL", key));
      assert.ok(ttl > TTL - 60 && ttl <= TTL * 1.3, `${key}: ${ttl}`);
      assert.ok(Number(await redis.cli("PEXPIRETIME", key)) >= session_ends, key);
    }
  });

  test("the session's hash holds its fields, its messages and its turns", async () => {
    const { seal, slid, "t:m1": t1, "t:m2": t2, ...fields } = await hash(KEY);
    const { messages } = await the.api.history("s1");
    assert.deepEqual(fields, {
      v: "2",
      title: "Ahoj světe",
      created: `${Date.parse(first.session.created_at)}`,
      updated: `${Date.parse(second.session.updated_at)}`,
      exp: `${Date.parse(second.session.expires_at)}`,
      first: "0",
      next: "4",
      total: "4",
      bytes: `${second.session.bytes}`,
      extra: "0",
      rev: `${second.session.revision}`,
      flags: "-",
      turns: "2",
      "q:0": "m1",
      "q:1": "m2",
      ...Object.fromEntries(messages.map((message, position) => [`m:${position}`, JSON.stringify(message)])),
    });
    assert.match(seal, /^[0-9a-f]{32}$/);
    assert.equal(slid, fields.created);
    assert.match(t1, /^done [0-9a-f]{16} 0 = t\.[0-9a-f]{16} = 0 1$/);
    assert.match(t2, /^done [0-9a-f]{16} 0 = t\.[0-9a-f]{16} = 2 3$/);
    assert.notEqual(t1.split(" ")[1], t2.split(" ")[1]);
  });

  test("index and card say what the list says", async () => {
    const expires = Date.parse(second.session.expires_at);
    assert.equal(await redis.cli("ZRANGE", "chatkeep:{app}:index", "0", "-1", "WITHSCORES"), `s1\n${expires}`);
    const [created, updated] = [second.session.created_at, second.session.updated_at].map((time) => Date.parse(time));
    const card = `4 4 ${created} ${updated} -#${1024 + second.session.bytes} Ahoj světe`;
    assert.deepEqual(await hash("chatkeep:{app}:cards"), { s1: card, "=": "" });
  });

  test("the directory of owners notes the owner, for longer than its sessions live", async () => {
    const [key] = await eventually(
      async () => (await allKeys()).filter((key) => DIRECTORY.test(key)),
      (found) => found.length === 1,
    );
    assert.match(await redis.cli("ZRANGE", key, "0", "-1"), /^app$/);
    const ttl = Number(await redis.cli("TTL", key));
    assert.ok(ttl > TTL && ttl <= TTL * 1.5, `${ttl}`);
  });

  test("a warm turn is two calls of one script each", async () => {
    await gateway.resetCounters();
    await the.api.say("three", { session_id: "s1" });
    assert.deepEqual(await gateway.counters(), { requests: 2, commands: 2, by_name: { evalsha: 2 } });
  });

  test("every other operation is one call", async () => {
    const calls = [() => the.api.list(), () => the.api.info("s1"), () => the.api.history("s1")];
    for (const call of [...calls, () => the.api.delete("unknown")]) await call(); // Redis learns the scripts
    await gateway.resetCounters();
    for (const call of calls) await call();
    assert.equal((await gateway.counters()).requests, calls.length);
  });

  test("a deleted session is one key and a size, for as long as it can be restored", async () => {
    ok(await the.api.delete("s1"));
    assert.deepEqual((await keys()).sort(), ["chatkeep:{app}:cards", "chatkeep:{app}:d:s1"]);
    assert.match((await hash("chatkeep:{app}:cards"))["~s1"], /^\d+ \d+$/);
    const ttl = Number(await redis.cli("TTL", "chatkeep:{app}:d:s1"));
    assert.ok(ttl > 540 && ttl <= 600, `${ttl}`);
  });
});

test("two prefixes in one Redis never meet", async () => {
  await redis.cli("FLUSHALL");
  const [one, two] = await Promise.all([aWorker({ KEY_PREFIX: "one:" }), aWorker({ KEY_PREFIX: "two:x:" })]);
  try {
    await one.api.say("In the first", { session_id: "s" });
    assertProblem(await two.api.info("s"), 404, "session_not_found");
    assert.equal((await two.api.list()).count, 0);
    assert.equal((await two.api.say("In the second", { session_id: "s" })).created, true);
    assert.deepEqual(await keys(), [
      ...["one:{app}:cards", "one:{app}:index", "one:{app}:s:s"],
      ...["two:x:{app}:cards", "two:x:{app}:index", "two:x:{app}:s:s"],
    ]);
    ok(await two.api.delete("s"));
    assert.equal((await one.api.texts("s"))[0], "In the first");
    assert.equal((await one.api.list()).count, 1);
  } finally {
    await Promise.all([one.worker.stop(), two.worker.stop()]);
  }
});
