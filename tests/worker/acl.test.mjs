// The rights that Chatkeep needs in Redis, and no others; and what `/health` says when they, or the password, are not there.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Api, assertProblem, eventually, ok } from "../harness/api.mjs";
import { ROOT } from "../harness/folders.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { startRedis } from "../harness/redis.mjs";
import { startWorker } from "../harness/worker.mjs";

/** The line of the documentation, so that it is this one that is tested. */
const LINE = /^ACL SETUSER chatkeep .*$/m.exec(readFileSync(join(ROOT, "SECURITY.md"), "utf8"))?.[0] ?? "";

describe("with the least rights", () => {
  /** @type {import("../harness/redis.mjs").Redis} */
  let redis;
  /** @type {import("../harness/gateway.mjs").Gateway} */
  let gateway;
  /** @type {import("../harness/worker.mjs").Worker} */
  let worker;
  /** @type {Api} */
  let api;

  before(async () => {
    redis = await startRedis();
    assert.equal(await redis.cli(...LINE.replace(">PASSWORD", ">secret-word").split(" ")), "OK");
    gateway = await startGateway({ redisUrl: redis.url.replace("//", "//chatkeep:secret-word@") });
    worker = await startWorker({ store: "upstash", gateway, vars: { RATE_LIMIT_APP: "1000/60" } });
    api = new Api(worker.url);
  });
  after(async () => {
    await worker?.stop();
    await gateway?.stop();
    await redis?.stop();
  });

  const as = (/** @type {string[]} */ ...words) =>
    redis.cli("--user", "chatkeep", "--pass", "secret-word", "--no-auth-warning", ...words);

  test("everything works", async () => {
    const session_id = "s";
    for (let turn = 0; turn < 3; turn += 1) await api.say("Hello", { session_id, message_id: `m${turn}` });
    await api.say("Edited", { session_id, cut_after: "m0" });
    const path = `/v1/sessions/${session_id}`;
    ok(await api.send("POST", "/v1/sessions", { session_id: "other" }));
    ok(await api.send("PATCH", path, { title: "Title", metadata: { a: 1 } }));
    ok(await api.send("PUT", `${path}/state`, { a: 1 }));
    ok(await api.get(`${path}/state`));
    ok(await api.send("POST", `${path}/messages`, { messages: [{ role: "user", content: "x" }] }));
    ok(await api.send("POST", `${path}/fork`, { session_id: "branch" }));
    ok(await api.send("POST", `${path}/truncate`, { after: "m0" }));
    ok(await api.send("POST", `${path}/touch`));
    ok(await api.delete(session_id));
    ok(await api.send("POST", `${path}/restore`));
    const exported = await api.get("/v1/export");
    assert.equal(exported.status, 200);
    ok(await api.send("POST", "/v1/import", exported.text));
    ok(await api.send("POST", "/v1/admin/rebuild"));
    assert.equal((await api.list()).count, 3);
    ok(await api.send("DELETE", "/v1/sessions"));
    for (const dialect of ["jarvis/api/chat", "openta/chat/basic"]) {
      ok(
        await api.send("POST", `/${dialect}`, {
          message: "Hello",
          query: "Hello",
          meta_params: { conversation_id: "c" },
        }),
      );
    }
    ok(await api.send("POST", "/storage-guide/api/chat/sessions"));
    const { owners } = await eventually(
      async () => ok(await api.get("/v1/admin/owners")),
      (page) => page.owners.length > 0,
    );
    assert.equal(owners[0].owner, "app");
    assert.equal(ok(await api.get("/health")).status, "healthy");
  });

  test("nothing else does", async () => {
    for (const words of [
      ["FLUSHALL"],
      ["FLUSHDB"],
      ["KEYS", "*"],
      ["CONFIG", "GET", "*"],
      ["ACL", "LIST"],
      ["HGET", "foreign:key", "a"],
      ["EVAL", "return redis.call('HGET', 'foreign:key', 'a')", "0"],
      ["EVAL", "return redis.call('FLUSHALL')", "0"],
      ["SCRIPT", "FLUSH"],
      ["MONITOR"],
      ["SHUTDOWN"],
    ]) {
      assert.match(await as(...words), /NOPERM|permissions|not allowed|can't (run|access)/i, words.join(" "));
    }
  });

  test("a right that is missing, and a password that is wrong, are named by health", async () => {
    await redis.cli("ACL", "SETUSER", "chatkeep", "-evalsha", "-eval");
    assertProblem(await api.chat({ message: "Hello" }), 503, "store_misconfigured");
    await redis.cli("ACL", "SETUSER", "chatkeep", "+evalsha", "+eval", "-ping");
    const lacking = await api.get("/health");
    assert.deepEqual([lacking.status, lacking.body.status], [503, "degraded"]);
    assert.match(lacking.body.cause, /noperm|permission|rights/i);
    await redis.cli("ACL", "SETUSER", "chatkeep", "+ping", "resetpass", ">another-word");
    await gateway.restart().catch(() => {}); // it may wait for a Redis that lets it in
    const locked = await eventually(
      () => api.get("/health"),
      ({ status }) => status === 503,
    );
    assert.ok(locked.body.cause, locked.text);
    assert.ok(!locked.text.includes("word"), locked.text);
  });
});
