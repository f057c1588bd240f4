// chatkeep/server with encryption at rest: what it keeps can't be read, keys rotate, and a Worker on the same Redis reads it too.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { ChatkeepError, createStore } from "chatkeep/server";
import { Api, eventually, ok } from "../harness/api.mjs";
import { placesWith } from "../harness/at-rest.mjs";
import { removeFolder, temporaryFolder } from "../harness/folders.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { startRedis } from "../harness/redis.mjs";
import { startWorker } from "../harness/worker.mjs";
import { onEachLibraryStore, onLibraryRedis } from "./stores.mjs";

/** @param {string} code */
const problem = (code) => (/** @type {unknown} */ error) =>
  error instanceof ChatkeepError && error.code === code ? true : assert.fail(String(error));

const [K1, K2] = ["k1", "k2"].map((id) => `${id}:${randomBytes(32).toString("hex")}`);
const user = (/** @type {string} */ content) => ({ role: /** @type {const} */ ("user"), content });

onEachLibraryStore("an encrypted store", (the) => {
  test("gives what it was given, and keeps nothing that can be read", async () => {
    const store = the.another({ encryptionKeys: K1 });
    await store.set("s1", { step: "marker-state" });
    await store.addMessage("s1", { question: "marker-question", answer: "marker-answer", sources: ["marker-source"] });
    await store.append("s1", [user("marker-appended")], { key: "a1" });
    assert.equal((await store.append("s1", [user("marker-appended")], { key: "a1" })).session.messageCount, 3);
    await assert.rejects(store.append("s1", [user("marker-other")], { key: "a1" }), problem("turn_mismatch"));
    await store.patch("s1", { title: "marker-title", metadata: { note: "marker-meta" } });

    const texts = async (/** @type {string} */ id) => (await store.getHistory(id)).map(({ content }) => content);
    assert.deepEqual(await texts("s1"), ["marker-question", "marker-answer", "marker-appended"]);
    assert.deepEqual(await store.get("s1"), { step: "marker-state" });
    const info = await store.info("s1");
    assert.deepEqual([info.title, info.metadata], ["marker-title", { note: "marker-meta" }]);
    const { sessions } = await store.list({ search: "MARKER-T", fields: ["step"] });
    assert.deepEqual(
      sessions.map(({ id, title, state }) => [id, title, state]),
      [["s1", "marker-title", { step: "marker-state" }]],
    );
    assert.deepEqual(await store.getOrCreate("s1", { step: "other" }), { step: "marker-state" });
    await store.delete("s1", { undo: true });
    assert.equal((await store.restore("s1")).title, "marker-title");
    if (the.redis) {
      const folder = temporaryFolder("nothing");
      assert.deepEqual(await placesWith("marker-", folder, the.redis), []);
      removeFolder(folder);
    }
  });

  test("branches by sealing anew", async () => {
    const store = the.another({ encryptionKeys: K1 });
    for (let page = 0; page < 3; page += 1) {
      await store.append(
        "long",
        Array.from({ length: 90 }, (_, at) => ({ ...user(`${page} ${at}`), id: `m${page * 90 + at}` })),
      );
    }
    await store.set("long", { n: 1 });
    const whole = await store.fork("long", { id: "whole", title: "Branch" });
    assert.deepEqual([whole.messageCount, whole.title], [270, "Branch"]);
    assert.equal((await store.fork("long", { id: "cut", at: "m203" })).messageCount, 204);
    assert.deepEqual(await store.getHistory("whole"), await store.getHistory("long"));
    assert.equal((await store.getHistory("cut")).at(-1)?.content, "2 23");
    assert.deepEqual(await store.get("cut"), { n: 1 });
    assert.equal((await store.fork("whole", { id: "empty-of", at: "m0" })).messageCount, 1);
    await assert.rejects(store.fork("long", { id: "x", at: "never" }), problem("message_not_found"));
    await assert.rejects(store.fork("absent", { id: "x" }), problem("session_not_found"));
    await store.append("other", [user("other")]);
    await assert.rejects(store.fork("long", { id: "other" }), problem("session_exists"));
  });

  if (the.kind !== "memory") {
    test("its keys rotate, and a wrong one is an error", async () => {
      const rotated = the.another({ encryptionKeys: `${K2},${K1}` });
      assert.deepEqual(await rotated.get("s1"), { step: "marker-state" });
      await rotated.set("fresh", "marker-fresh");
      const only = the.another({ env: { ENCRYPTION_KEYS: K2 } });
      assert.equal(await only.get("fresh"), "marker-fresh");
      await assert.rejects(only.get("s1"), problem("value_unreadable"));
      await assert.rejects(the.another().get("s1"), problem("value_unreadable"));
      await the.another().set("plain", 1);
      assert.equal(await only.get("plain"), 1);
      const strict = the.another({ encryptionKeys: K2, encryptionStrict: true });
      await assert.rejects(strict.get("plain"), problem("value_unreadable"));
      await the.another({ encryptionKeys: `off,${K2}` }).set("open", "marker-open");
      assert.equal(await the.another().get("open"), "marker-open");
    });
  }

  test("says which key is wrong, and not what it is", async () => {
    for (const options of [{ encryptionKeys: "k1:0123" }, { encryptionStrict: true }]) {
      await assert.rejects(the.another(options).get("x"), (error) => {
        assert.ok(error instanceof ChatkeepError && error.code === "not_configured", String(error));
        assert.match(error.message, /^ENCRYPTION_(KEYS|STRICT)/);
        assert.ok(!error.message.includes("0123"));
        return true;
      });
    }
  });
});

describe("a store and a Worker with the same keys", { skip: onLibraryRedis() }, () => {
  test("read what the other one wrote", async () => {
    const redis = await startRedis();
    const gateway = await startGateway({ redisUrl: redis.url, faults: true });
    const worker = await startWorker({ store: "upstash", gateway, vars: { ENCRYPTION_KEYS: `${K2},${K1}` } });
    const place = { env: {}, ttlSeconds: 604_800, encryptionKeys: `${K2},${K1}` };
    const rest = createStore({ ...place, url: gateway.url, token: gateway.token, logger: false });
    const tcp = createStore({ ...place, url: redis.url });
    try {
      const api = new Api(worker.url);
      await api.say("marker-worker", { session_id: "theirs", message_id: "m1" });
      ok(await api.send("PATCH", "/v1/sessions/theirs", { title: "marker-title" }));
      ok(await api.send("PUT", "/v1/sessions/theirs/state", { of: "marker-worker" }));
      for (const [name, store] of Object.entries({ rest, tcp })) {
        assert.equal((await store.getHistory("theirs"))[0].content, "marker-worker");
        assert.deepEqual(await store.get("theirs"), { of: "marker-worker" });
        assert.equal((await store.info("theirs")).title, "marker-title");
        await store.append(name, [user(`marker-${name}`)]);
        await store.set(name, { of: `marker-${name}` });
        assert.deepEqual(await api.texts(name), [`marker-${name}`]);
        assert.deepEqual(ok(await api.get(`/v1/sessions/${name}/state`)), { of: `marker-${name}` });
      }
      assert.match((await api.say("Going on", { session_id: "tcp", existing: true })).response, /Going on/);

      // An outage's journal has its texts sealed as well, and Redis gets them so.
      await gateway.order({ fault: "drop_request", count: 1_000_000 });
      await rest.append("rest", [user("marker-journaled")]);
      assert.equal((await rest.getHistory("rest")).at(-1)?.content, "marker-journaled");
      await gateway.clear();
      await eventually(
        () => api.texts("rest"),
        (texts) => texts.at(-1) === "marker-journaled",
      );
      const folder = temporaryFolder("nothing");
      assert.deepEqual(await placesWith("marker-", folder, redis), []);
      removeFolder(folder);
    } finally {
      await Promise.all([rest.close(), tcp.close()]);
      await worker.stop();
      await gateway.stop();
      await redis.stop();
    }
  });
});
