// The published @upstash/redis client against the gateway: what it does with an Upstash database, it does here.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Redis } from "@upstash/redis";
import { startGateway } from "../harness/gateway.mjs";
import { startRedis } from "../harness/redis.mjs";

let server;
let gateway;
/** @type {Redis} as an application uses it */
let redis;
/** @type {Redis} which gives strings as they are */
let plain;
before(async () => {
  server = await startRedis();
  gateway = await startGateway({ redisUrl: server.url });
  const { url, token } = gateway;
  redis = new Redis({ url, token, enableTelemetry: false, retry: false });
  plain = new Redis({ url, token, enableTelemetry: false, retry: false, automaticDeserialization: false });
});
after(async () => {
  await gateway?.stop();
  await server?.stop();
});

describe("strings", () => {
  test("are set, read, counted and expire", async () => {
    assert.equal(await redis.set("s", "Příliš žluťoučký 👍🏽"), "OK");
    assert.equal(await redis.get("s"), "Příliš žluťoučký 👍🏽");
    assert.equal(await redis.get("absent"), null);
    assert.equal(await redis.set("s", "other", { nx: true }), null);
    assert.equal(await redis.incrby("n", 41), 41);
    assert.equal(await redis.incr("n"), 42);
    assert.equal(await redis.set("e", "x", { px: 60_000 }), "OK");
    assert.ok((await redis.pttl("e")) > 0);
    assert.deepEqual(await redis.mget("s", "absent", "n"), ["Příliš žluťoučký 👍🏽", null, 42]);
    assert.equal(await redis.del("s", "n", "e", "absent"), 3);
  });

  test("keep every byte that JSON can carry", async () => {
    const texts = [
      Array.from({ length: 0x800 }, (_, code) => String.fromCodePoint(code)).join(""),
      '"quotes" \\ \r\n\t\0 $5\r\nhello\r\n*3\r\n',
      "a\ufeff\ufffd\uffff\u{10ffff}", // the client's own decoder drops a U+FEFF at the beginning
      "",
      "OK",
      "null",
      "x".repeat(1_000_000),
    ];
    for (const text of texts) {
      await plain.set("b", text);
      assert.equal(await plain.get("b"), text);
      assert.equal(await plain.strlen("b"), Buffer.byteLength(text));
    }
  });

  test("keep objects as the client writes them", async () => {
    const value = { a: [1, 2.5, null, { ž: "x" }], b: true };
    await redis.set("o", value);
    assert.deepEqual(await redis.get("o"), value);
  });

  test("keep big integers to the last digit", async () => {
    await plain.set("big", "9223372036854775806");
    assert.equal(await plain.get("big"), "9223372036854775806");
    // 2^53 + 1 is no number of JavaScript: only the store's own arithmetic and the text of it can show it.
    await plain.set("past", "9007199254740992");
    await plain.incr("past");
    assert.equal(await plain.get("past"), "9007199254740993");
    assert.equal(await plain.eval("return '9007199254740993'", [], []), "9007199254740993");
  });
});

test("what the service answers otherwise than Redis", async () => {
  await redis.flushdb();
  await redis.set("own", 1);
  await redis.lpush("list", 1);
  assert.equal(await redis.copy("own", "own"), "NOT_COPIED");
  const [, keys] = await redis.scan(0, { withType: true, count: 100 });
  assert.deepEqual(
    keys.sort((left, right) => (left.key < right.key ? -1 : 1)),
    [
      { key: "list", type: "list" },
      { key: "own", type: "string" },
    ],
  );
  for (let number = 0; number < 50; number += 1) await redis.xadd("s", "*", { number });
  await redis.xtrim("s", { strategy: "MAXLEN", exactness: "~", threshold: 30 });
  assert.equal(await redis.xlen("s"), 30);
  await redis.xgroup("s", { type: "CREATE", group: "g", id: "0" });
  assert.equal((await redis.xreadgroup("g", "c", "s", ">", { count: 1, blockMS: 600_000 })).length, 1);
  assert.equal((await redis.xreadgroup("g", "other", "s", ">", { count: 1, NOACK: true })).length, 1);
  const consumers = await redis.xinfo("s", { type: "CONSUMERS", group: "g" });
  assert.deepEqual(
    consumers.map(([, name]) => name),
    ["c"],
  );
  assert.equal(await redis.del("own", "list", "s"), 3);
});

test("hashes", async () => {
  assert.equal(await redis.hset("h", { a: 1, ž: "dvě", o: { x: [1] } }), 3);
  assert.equal(await redis.hget("h", "ž"), "dvě");
  assert.deepEqual(await redis.hgetall("h"), { a: 1, ž: "dvě", o: { x: [1] } });
  assert.deepEqual(await redis.hmget("h", "a", "absent"), { a: 1, absent: null });
  assert.equal(await redis.hincrby("h", "a", 2), 3);
  assert.equal(await redis.hlen("h"), 3);
  assert.equal(await redis.hdel("h", "a", "absent"), 1);
  assert.equal(await redis.hgetall("absent"), null);
});

test("sorted sets", async () => {
  const now = 1_795_253_400_123;
  await redis.zadd("z", { score: now, member: "old" }, { score: now + 1, member: "new" }, { score: 1, member: "dead" });
  assert.deepEqual(await redis.zrange("z", now, "+inf", { byScore: true, withScores: true }), [
    ...["old", now],
    ...["new", now + 1],
  ]);
  assert.deepEqual(await redis.zrange("z", "+inf", "-inf", { byScore: true, rev: true, offset: 0, count: 2 }), [
    "new",
    "old",
  ]);
  assert.equal(await redis.zcount("z", `(${now}`, "+inf"), 1);
  assert.equal(await redis.zscore("z", "old"), now);
  assert.equal(await redis.zremrangebyscore("z", "-inf", 1), 1);
  assert.equal(await redis.zcard("z"), 2);
});

test("lists", async () => {
  assert.equal(await redis.rpush("l", "a", "b", "c"), 3);
  assert.equal(await redis.lpush("l", "first"), 4);
  assert.deepEqual(await redis.lrange("l", 0, -1), ["first", "a", "b", "c"]);
  assert.equal(await redis.lpos("l", "b"), 2);
  assert.equal(await redis.lmove("l", "m", "left", "right"), "first");
  assert.deepEqual(await redis.lpop("l", 2), ["a", "b"]);
  assert.equal(await redis.lset("l", 0, "changed"), "OK");
  assert.deepEqual([await redis.lindex("l", 0), await redis.llen("l")], ["changed", 1]);
});

test("sets", async () => {
  assert.equal(await redis.sadd("set", "x", "y", "x"), 2);
  await redis.sadd("set2", "y", "z");
  assert.deepEqual((await redis.smembers("set")).sort(), ["x", "y"]);
  assert.deepEqual(await redis.smismember("set", ["x", "z"]), [1, 0]);
  assert.deepEqual(await redis.sinter("set", "set2"), ["y"]);
  assert.deepEqual((await redis.sunion("set", "set2")).sort(), ["x", "y", "z"]);
  assert.deepEqual([await redis.srem("set", "x"), await redis.scard("set")], [1, 1]);
});

test("streams", async () => {
  const first = await redis.xadd("log", "*", { who: "ada", said: "Příliš 👍🏽" });
  const second = await redis.xadd("log", "*", { who: "bob" });
  assert.equal(await redis.xlen("log"), 2);
  const entries = await redis.xrange("log", "-", "+");
  assert.deepEqual(entries, { [first]: { who: "ada", said: "Příliš 👍🏽" }, [second]: { who: "bob" } });
  assert.equal(await redis.xgroup("log", { type: "CREATE", group: "readers", id: "0" }), "OK");
  const [[name, pending]] = await redis.xreadgroup("readers", "one", "log", ">", { count: 1 });
  assert.deepEqual([name, pending[0][0]], ["log", first]);
  assert.equal(await redis.xack("log", "readers", first), 1);
  assert.equal(await redis.xtrim("log", { strategy: "MAXLEN", exactness: "=", threshold: 1 }), 1);
});

test("scans", async () => {
  await redis.mset(Object.fromEntries(Array.from({ length: 250 }, (_, number) => [`scan:${number}`, "v"])));
  const found = new Set();
  let cursor = "0";
  do {
    const [next, keys] = await redis.scan(cursor, { match: "scan:*", count: 50 });
    for (const key of keys) found.add(key);
    cursor = next;
  } while (cursor !== "0");
  assert.equal(found.size, 250);
  await redis.hset("scanned", { a: "1", b: "2" });
  assert.deepEqual((await redis.hscan("scanned", 0))[1], ["a", 1, "b", 2]);
  await redis.zadd("zscanned", { score: 1.5, member: "a" });
  assert.deepEqual((await redis.zscan("zscanned", 0))[1], ["a", 1.5]);
});

describe("channels", () => {
  /** What a subscription gets next, of one kind. */
  const next = (subscription, kind) =>
    new Promise((resolve, reject) => {
      subscription.on(kind, resolve);
      subscription.on("error", reject);
    });

  test("carry messages of any text to whoever subscribed", async () => {
    const subscription = redis.subscribe(["chat", "news"]);
    await next(subscription, "subscribe");
    const arrived = next(subscription, "message:news");
    // Both channels are subscribed one after the other.
    while ((await redis.publish("news", { said: "Příliš, 👍🏽" })) === 0);
    assert.deepEqual(await arrived, { channel: "news", message: { said: "Příliš, 👍🏽" } });
    await subscription.unsubscribe();
  });

  test("are matched by patterns", async () => {
    const subscription = redis.psubscribe("chat:*");
    await next(subscription, "psubscribe");
    const arrived = next(subscription, "pmessage");
    // This client takes nothing but JSON there.
    assert.equal(await redis.publish("chat:1", { n: 1 }), 1);
    assert.deepEqual(await arrived, { pattern: "chat:*", channel: "chat:1", message: { n: 1 } });
    await subscription.unsubscribe();
  });
});

test("binary values come as they are where the client asks for base64", async () => {
  await redis.setbit("bits", 7, 1);
  await redis.setbit("bits", 9, 1);
  assert.equal(await redis.bitcount("bits", 0, -1), 2);
  const answer = await fetch(`${gateway.url}/get/bits`, {
    headers: { authorization: `Bearer ${gateway.token}`, "upstash-encoding": "base64" },
  });
  const { result } = await answer.json();
  assert.deepEqual([...Buffer.from(result, "base64")], [1, 64]);
  // What is no UTF-8 survives a round through the store, whatever the client shows of it.
  await redis.eval("redis.call('SET', KEYS[1], string.char(0, 255, 254, 128))", ["raw"], []);
  assert.equal(await redis.strlen("raw"), 4);
  assert.equal(await redis.copy("raw", "raw2"), "COPIED");
  assert.equal(
    await redis.eval("return redis.call('GET', KEYS[1]) == redis.call('GET', KEYS[2])", ["raw", "raw2"], []),
    1,
  );
});

describe("scripts", () => {
  const SCRIPT =
    "#!lua flags=allow-key-locking\nredis.call('SET', KEYS[1], ARGV[1])\nreturn {KEYS[1], ARGV[1], 7, {1, 'x'}, false}";

  test("run by their text, with flags that Redis doesn't know", async () => {
    assert.deepEqual(await redis.eval(SCRIPT, ["k"], ["ž"]), ["k", "ž", 7, [1, "x"], null]);
    assert.equal(await redis.get("k"), "ž");
  });

  test("run by the hash that the client computes", async () => {
    const script = redis.createScript(`${SCRIPT} -- by hash`);
    for (const value of ["first", "second"]) {
      assert.deepEqual((await script.exec(["k2"], [value])).slice(0, 2), ["k2", value]);
    }
  });

  test("run by the hash that a load gives", async () => {
    const sha = await redis.scriptLoad("return ARGV[1]");
    assert.match(sha, /^[0-9a-f]{40}$/);
    assert.equal(await redis.evalsha(sha, [], ["loaded"]), "loaded");
    assert.deepEqual(await redis.scriptExists(sha), [1]);
  });

  test("are refused when unknown, and fail with Redis' words", async () => {
    await assert.rejects(redis.evalsha("0".repeat(40), [], []), /NOSCRIPT/);
    await assert.rejects(redis.eval("return redis.error_reply('MY own')", [], []), /MY own/);
    await assert.rejects(redis.eval("#!lua flags=no-writes\nreturn redis.call('SET', KEYS[1], '1')", ["k"], []), /ERR/);
  });
});

describe("several commands at once", () => {
  test("in a pipeline", async () => {
    const answers = await redis.pipeline().set("p", "1").incr("p").get("p").hset("ph", { a: 1 }).hgetall("ph").exec();
    assert.deepEqual(answers, ["OK", 2, 2, 1, { a: 1 }]);
  });

  test("in a pipeline where one fails", async () => {
    const pipeline = redis.pipeline().set("p", "text").incr("p").get("p");
    const answers = await pipeline.exec({ keepErrors: true });
    assert.deepEqual([answers[0].result, answers[2].result], ["OK", "text"]);
    assert.match(answers[1].error ?? "", /not an integer/);
  });

  test("in a transaction", async () => {
    assert.deepEqual(await redis.multi().set("t", "1").incr("t").get("t").exec(), ["OK", 2, 2]);
    await assert.rejects(redis.multi().set("t", "text").incr("t").exec(), /not an integer/);
    assert.equal(await redis.get("t"), "text");
  });

  test("in a transaction that is all or nothing for others", async () => {
    const rounds = Array.from({ length: 20 }, () => redis.multi().incr("x").incr("y").exec());
    for (const [x, y] of await Promise.all(rounds)) assert.equal(x, y);
  });
});

test("commands fail with Redis' words", async () => {
  await redis.set("text", "a");
  await assert.rejects(redis.incr("text"), /ERR value is not an integer/);
  await assert.rejects(redis.lpush("text", "b"), /WRONGTYPE/);
});

test("a wrong token is refused", async () => {
  const stranger = new Redis({ url: gateway.url, token: "wrong", enableTelemetry: false, retry: false });
  await assert.rejects(stranger.get("s"), /WRONGPASS|Unauthorized/i);
});
