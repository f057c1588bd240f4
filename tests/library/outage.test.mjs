// chatkeep/server while Redis is away, and when it is back: nothing lost, nothing doubled, one order. On a real Redis that is
// killed and restarted, and behind a gateway that drops, delays and refuses.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ChatkeepError, createStore } from "chatkeep/server";
import { eventually } from "../harness/api.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { startRedis } from "../harness/redis.mjs";
import { StoreProcess } from "./processes.mjs";

/** @import { Store, StoreOptions } from "chatkeep/server" */

/** @type {(() => Promise<unknown>)[]} */
const ends = [];
after(async () => {
  for (const end of ends.reverse()) await end();
});

/**
 * A store and the events that it logs.
 * @param {StoreOptions} options
 */
function open(options) {
  /** @type {string[]} */
  const logged = [];
  const store = createStore({ env: {}, logger: (line) => logged.push(line.event_type), ...options });
  ends.push(() => store.close());
  return { store, logged, saw: (/** @type {string} */ event) => eventually(() => logged.includes(event), Boolean) };
}

/**
 * @param {Store} store
 * @param {string} id
 */
async function texts(store, id) {
  return (await store.getHistory(id)).map(({ content }) => content);
}

const user = (/** @type {string} */ content) => ({ role: /** @type {const} */ ("user"), content });

describe("over TCP", () => {
  /** @type {import("../harness/redis.mjs").Redis} */
  let redis;
  before(async () => {
    redis = await startRedis({ appendonly: true });
    ends.push(redis.stop);
  });

  test("a store that starts without Redis warns once, goes on, and tells Redis everything later", async () => {
    await redis.kill();
    const { store, logged, saw } = open({ url: redis.url });
    await store.initialize();
    await store.set("early", { n: 1 });
    await store.addMessage("early", { question: "Who?", answer: "Ada." });
    await store.addMessage("early", user("And then?"));
    assert.deepEqual(await store.getOrCreate("early", { n: 2 }), { n: 1 });
    assert.deepEqual(await texts(store, "early"), ["Who?", "Ada.", "And then?"]);
    assert.deepEqual(
      (await store.list()).sessions.map(({ id }) => id),
      ["early"],
    );
    const { connected, usingFallback, latencyMs, journaled, cause } = await store.getHealth();
    assert.deepEqual([connected, usingFallback, latencyMs, journaled, cause], [false, true, null, 3, "network"]);
    assert.equal(logged.filter((event) => event === "redis_unavailable").length, 1);

    await redis.restart();
    await saw("redis_recovered");
    const other = open({ url: redis.url }).store;
    assert.deepEqual(await other.get("early"), { n: 1 });
    assert.deepEqual(await texts(other, "early"), ["Who?", "Ada.", "And then?"]);
    assert.deepEqual([await redis.cli("HGET", "chatkeep:{app}:s:early", "total")], ["3"]);
    const ttl = Number(await redis.cli("TTL", "chatkeep:{app}:s:early"));
    assert.ok(ttl > 3500 && ttl <= 3600, `${ttl}`);
    assert.deepEqual((await store.getHealth()).usingFallback, false);
  });

  test("what a store has seen serves in an outage, and what changes is merged with what others did", async () => {
    const { store, saw } = open({ url: redis.url });
    const other = open({ url: redis.url }).store;
    await store.set("seen", { step: 1 });
    await store.addMessage("seen", user("before"));
    await store.set("deleted", 1);
    await redis.kill();
    assert.deepEqual(await store.get("seen"), { step: 1 });
    await store.addMessage("seen", user("during"));
    await store.patch("seen", { title: "Renamed" });
    assert.equal(await store.delete("deleted"), true);
    assert.equal(await store.get("deleted"), null);
    await assert.rejects(store.info("never-seen"), (error) => error instanceof ChatkeepError && error.retryable);
    await redis.restart();
    await saw("redis_recovered");
    await other.addMessage("seen", user("after"));
    for (const each of [store, other]) {
      assert.deepEqual(await texts(each, "seen"), ["before", "during", "after"]);
      assert.equal((await each.info("seen")).title, "Renamed");
      assert.equal(await each.get("deleted"), null);
    }
  });

  test("two processes that both journaled one session keep one order", async () => {
    const processes = [new StoreProcess({ url: redis.url }), new StoreProcess({ url: redis.url })];
    ends.push(...processes.map((process) => () => process.kill()));
    await processes[0].call("addMessage", "shared", user("first"));
    await processes[1].call("addMessage", "shared", user("second"));
    await redis.kill();
    for (let n = 0; n < 20; n += 1) {
      for (const [at, process] of processes.entries()) await process.call("addMessage", "shared", user(`${at}-${n}`));
    }
    await redis.restart();
    for (const process of processes) {
      await eventually(() => process.logged.includes("redis_recovered"), Boolean);
    }
    const [one, two] = await Promise.all(processes.map((process) => process.call("getHistory", "shared")));
    assert.deepEqual(one, two);
    const said = one.map((/** @type {{content: string}} */ { content }) => content);
    assert.deepEqual(said.slice(0, 2), ["first", "second"]);
    assert.equal(said.length, 42);
    for (const at of [0, 1]) {
      const own = said.filter((/** @type {string} */ text) => text.startsWith(`${at}-`));
      assert.deepEqual(
        own,
        Array.from({ length: 20 }, (_, n) => `${at}-${n}`),
      );
    }
  });

  test("processes share one state, and one that is killed takes nothing along that Redis has", async () => {
    const processes = [new StoreProcess({ url: redis.url }), new StoreProcess({ url: redis.url })];
    ends.push(...processes.map((process) => () => process.kill()));
    await processes[0].call("set", "handed", { by: "one" });
    await processes[0].kill();
    assert.deepEqual(await processes[1].call("get", "handed"), { by: "one" });
  });

  test("a store that closes while Redis is back tells it first", async () => {
    const { store } = open({ url: redis.url });
    await store.initialize();
    await redis.kill();
    await store.set("closing", 1);
    await redis.restart();
    await store.close();
    assert.equal(await open({ url: redis.url }).store.get("closing"), 1);
  });

  test("without fallback a call fails, and says that it can be repeated", async () => {
    const { store } = open({ url: redis.url, fallback: false });
    await store.set("strict", 1);
    await redis.kill();
    await assert.rejects(store.get("strict"), (error) => {
      assert.ok(error instanceof ChatkeepError);
      assert.deepEqual([error.code, error.retryable, error.status], ["store_unavailable", true, 503]);
      return true;
    });
    await redis.restart();
    assert.equal(
      await eventually(
        () => store.get("strict").catch(() => undefined),
        (state) => state === 1,
      ),
      1,
    );
  });

  test("a wrong password is no outage", async () => {
    const locked = await startRedis({ args: ["--requirepass", "right"] });
    ends.push(locked.stop);
    for (const password of ["wrong", undefined]) {
      const { store, logged } = open({ url: locked.url, password });
      await assert.rejects(store.set("x", 1), (error) => {
        assert.ok(error instanceof ChatkeepError);
        assert.equal(error.code, "store_misconfigured");
        assert.doesNotMatch(error.message, /wrong|right/);
        return true;
      });
      assert.ok(!logged.includes("redis_unavailable"));
    }
    const { store } = open({ url: locked.url, password: "right" });
    await store.set("x", 1);
    assert.equal(await store.get("x"), 1);
  });
});

describe("over REST, behind a gateway with faults", () => {
  /** @type {import("../harness/gateway.mjs").Gateway} */
  let gateway;
  /** @type {StoreOptions} */
  let place;
  before(async () => {
    const redis = await startRedis();
    gateway = await startGateway({ redisUrl: redis.url, faults: true });
    ends.push(redis.stop, gateway.stop);
    place = { url: gateway.url, token: gateway.token };
  });

  test("answers that are lost after the commit double nothing", async () => {
    const { store, logged } = open(place);
    await store.addMessage("lost", user("0"));
    for (let n = 1; n < 6; n += 1) {
      await gateway.order({ fault: "drop_response", count: 1, command: "evalsha" });
      await store.addMessage("lost", user(`${n}`));
    }
    // Both tries: then the journal has what Redis has already.
    await gateway.order({ fault: "drop_response", count: 2, command: "evalsha" });
    await store.addMessage("lost", user("6"));
    await eventually(() => logged.includes("redis_recovered"), Boolean);
    const expected = ["0", "1", "2", "3", "4", "5", "6"];
    assert.deepEqual(await texts(store, "lost"), expected);
    assert.deepEqual(await texts(open(place).store, "lost"), expected);
  });

  for (const fault of /** @type {const} */ (["readonly", "oom", "quota", "server_error", "delay", "drop_request"])) {
    test(`${fault} is an outage that ends`, async () => {
      const { store, logged } = open(place);
      await store.addMessage(fault, user("before"));
      await gateway.order({ fault, count: 1000, ...(fault === "delay" ? { ms: 3000 } : {}) });
      await store.addMessage(fault, user("during"));
      await store.set(fault, { during: true });
      assert.deepEqual(await texts(store, fault), ["before", "during"]);
      assert.ok((await store.getHealth()).usingFallback);
      await gateway.clear();
      await eventually(() => logged.includes("redis_recovered"), Boolean);
      const other = open(place).store;
      assert.deepEqual(await texts(other, fault), ["before", "during"]);
      assert.deepEqual(await other.get(fault), { during: true });
      assert.equal(logged.filter((event) => event === "redis_unavailable").length, 1);
    });
  }

  test("a wrong token is no outage", async () => {
    const { store, logged } = open({ ...place, token: "wrong" });
    await assert.rejects(
      store.get("x"),
      (error) => error instanceof ChatkeepError && error.code === "store_misconfigured",
    );
    assert.deepEqual(logged, ["store_started"]);
  });
});
