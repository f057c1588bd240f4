// Encryption at rest: nothing that is said can be read in what is kept; values stay where they are; keys rotate.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { Api, assertProblem, eventually, ok } from "../harness/api.mjs";
import { filesWith, placesWith } from "../harness/at-rest.mjs";
import { removeFolder, temporaryFolder } from "../harness/folders.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { FakeModelApi, Gate, words } from "../harness/model-api.mjs";
import { startRedis } from "../harness/redis.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

const KEYS = Object.fromEntries(["k1", "k2"].map((id) => [id, `${id}:${randomBytes(32).toString("hex")}`]));
const OTHER = `k1:${randomBytes(32).toString("hex")}`;

forEachStore("encryption at rest", (store) => {
  let folder;
  let model;
  let redis;
  let gateway;
  let worker;
  /** @type {Api} */
  let api;

  /** Starts the Worker with these keys on what the last one left. */
  async function serve(/** @type {string} */ keys, /** @type {Record<string, string>} */ more = {}) {
    await worker?.stop();
    const vars = {
      RESPONDER: "openai",
      OPENAI_BASE_URL: model.url,
      OPENAI_API_KEY: "none",
      ARCHIVE_MODE: "write-through",
    };
    worker = await startWorker({
      store,
      gateway,
      persistTo: folder,
      vars: { ...vars, ...(keys && { ENCRYPTION_KEYS: keys }), ...more },
    });
    api = new Api(worker.url);
  }

  /** Where a text is in what is kept. */
  const placesOf = (/** @type {string} */ text) => placesWith(text, folder, redis);

  before(async () => {
    folder = temporaryFolder("encryption");
    model = await FakeModelApi.start();
    if (store === "upstash") {
      redis = await startRedis();
      gateway = await startGateway({ redisUrl: redis.url, faults: true });
    }
    await serve(KEYS.k1);
  });
  after(async () => {
    await worker?.stop();
    await gateway?.stop();
    await redis?.stop();
    await model?.stop();
    removeFolder(folder);
  });

  test("nothing that is said can be read in what is kept, and all of it in the answers", async () => {
    model.say("marker-reply");
    const session_id = "s1";
    const said = await api.say("marker-message", { session_id, message_id: "m1", metadata: { note: "marker-noted" } });
    assert.equal(said.response, "marker-reply");
    assert.equal(said.session.title, "marker-message");
    const again = { session_id, message_id: "m1", metadata: { note: "marker-noted" } };
    assert.equal((await api.say("marker-message", again)).replayed, true);
    assertProblem(await api.chat({ message: "marker-other", ...again }), 422, "turn_mismatch");
    ok(
      await api.send("PATCH", `/v1/sessions/${session_id}`, {
        title: "marker-title",
        metadata: { note: "marker-meta" },
      }),
    );
    ok(await api.send("PUT", `/v1/sessions/${session_id}/state`, { note: "marker-state" }));
    const messages = [{ role: "user", content: "marker-appended", metadata: { a: "marker-appended-meta" } }];
    ok(await api.send("POST", `/v1/sessions/${session_id}/messages`, { messages }));
    const { session_id: forked } = ok(await api.send("POST", `/v1/sessions/${session_id}/fork`, {}));
    const cut = ok(
      await api.send("POST", `/v1/sessions/${session_id}/fork`, { at: said.reply_id, title: "marker-branch" }),
    );
    ok(await api.send("POST", "/v1/sessions", { session_id: "named", title: "marker-named" }));
    const exported = (await api.get("/v1/export")).text;
    ok(await api.send("DELETE", `/v1/sessions/${cut.session_id}`));

    // A stream that is under way, and then breaks off with the Worker: what came of it is kept meanwhile.
    const gate = new Gate();
    model.answer(() => ({ stream: words("marker-streamed ", "more ", gate, "never") }));
    const stream = await fetch(`${worker.url}/v1/chat`, {
      method: "POST",
      body: JSON.stringify({ message: "marker-asked", session_id, stream: true }),
    });
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (let seen = ""; !seen.includes("more"); ) seen += (await reader?.read())?.value ?? "";
    // Long enough that it is no longer in memory alone.
    await eventually(
      () => filesWith(folder, "received").length,
      (count) => count > 0,
    );
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.deepEqual(await placesOf("marker-"), []);
    await worker.kill();
    assert.deepEqual(await placesOf("marker-"), [], "what was in memory only would be on the disk now");
    gate.open();
    model.say("marker-reply");
    await worker.restart();
    const texts = ["marker-message", "marker-reply", "marker-appended", "marker-asked"];
    // Asking the vault wakes it, and it ends what it was doing.
    await api.get(`/v1/sessions/${session_id}/stream`);
    await eventually(
      () => api.texts(session_id),
      (all) => all.length === 5,
    );
    assert.deepEqual((await api.texts(session_id)).slice(0, 4), texts);
    assert.match((await api.texts(session_id))[4], /^marker-streamed/);

    assert.deepEqual(await api.texts(forked), texts.slice(0, 3));
    assert.deepEqual(ok(await api.get(`/v1/sessions/${forked}/state`)), { note: "marker-state" });
    assert.equal(ok(await api.info(forked)).title, "marker-title");
    ok(await api.send("POST", `/v1/sessions/${cut.session_id}/restore`));
    assert.deepEqual(await api.texts(cut.session_id), texts.slice(0, 2));
    const info = ok(await api.info(session_id));
    assert.deepEqual([info.title, info.metadata], ["marker-title", { note: "marker-meta" }]);
    assert.deepEqual(ok(await api.get(`/v1/sessions/${session_id}/state`)), { note: "marker-state" });
    assert.deepEqual(
      (await api.list("?q=MARKER-NAMED")).sessions.map((one) => one.session_id),
      ["named"],
    );
    // An edit and an answer anew look into messages.
    const edited = await api.say("marker-edited", { session_id: forked, cut_after: said.reply_id });
    ok(await api.chat({ session_id: forked, regenerate: edited.reply_id }));
    assert.deepEqual(await api.texts(forked), [...texts.slice(0, 2), "marker-edited", "marker-reply"]);
    // Exports are their owner's, and plain.
    for (const text of ["marker-message", "marker-state", "marker-meta", "marker-noted"])
      assert.ok(exported.includes(text));
    ok(await api.send("DELETE", `/v1/sessions/${cut.session_id}`));
    ok(await api.send("POST", "/v1/import", exported.replaceAll(session_id, "imported")));
    assert.deepEqual(await placesOf("marker-"), []);
    assert.equal(ok(await api.get("/health")).encryption, "k1");
  });

  if (store === "upstash") {
    test("what was lost comes back from an archive that nobody can read", async () => {
      const before = await api.texts("s1");
      await redis.cli("FLUSHALL");
      assert.deepEqual(await api.texts("named"), []);
      // What was streamed through a crash is archived by the next look.
      assert.deepEqual((await api.texts("s1")).slice(0, 3), before.slice(0, 3));
      assert.deepEqual(await placesOf("marker-"), []);
    });

    test("an outage's journal can't be read either", async () => {
      await gateway.order({ fault: "drop_request", count: 1_000_000 });
      const answer = await api.chat({ message: "marker-journaled", session_id: "s1", existing: true });
      assert.equal(ok(answer).degraded, true);
      const fresh = await api.say("marker-journaled-too");
      await worker.kill();
      assert.deepEqual(await placesOf("marker-"), []);
      await gateway.clear();
      await worker.restart();
      await eventually(
        () => api.texts("s1"),
        (texts) => texts.at(-2) === "marker-journaled",
      );
      await eventually(
        () => api.info(fresh.session_id),
        (found) => found.status === 200,
      );
      assert.deepEqual(await placesOf("marker-"), []);
    });

    test("a value that was moved or changed is refused, and health counts it", async () => {
      await api.say("one", { session_id: "from" });
      await api.say("two", { session_id: "to" });
      const key = (/** @type {string} */ id) => `chatkeep:{app}:s:${id}`;
      const [moved, kept] = [await redis.cli("HGET", key("from"), "m:0"), await redis.cli("HGET", key("to"), "m:0")];
      const [head, encrypted] = moved.split("\u0001");
      assert.match(head, /^\{"id":"[^"]+","role":"user","content":"","created":"[^"]+"\}$/);
      assert.match(encrypted, /^k1\./);
      for (const forged of [moved, kept.replace('"role":"user"', '"role":"system"'), kept.replace(/.{4}$/, "AAAA")]) {
        await redis.cli("HSET", key("to"), "m:0", forged);
        assertProblem(await api.get("/v1/sessions/to/history"), 503, "value_unreadable");
        const turn = await api.chat({ message: "three", session_id: "to", existing: true });
        assertProblem(turn, 503, "value_unreadable");
        assert.match(turn.body.detail, /value_not_genuine/);
      }
      const health = ok(await api.get("/health"));
      assert.deepEqual([health.status, health.cause], ["healthy", undefined]);
      assert.ok(health.unreadable.count >= 6 && health.unreadable.cause === "value_not_genuine", health);
      // The others are exported, and what isn't is named.
      const lines = (await api.get("/v1/export")).text.trimEnd().split("\n");
      assert.ok(JSON.parse(lines.at(-1)).end);
      const { left_out } = JSON.parse(lines.find((line) => line.startsWith('{"left_out"')));
      assert.deepEqual(left_out, {
        session_id: "to",
        text: "message",
        position: 0,
        code: "value_unreadable",
        detail: "value_not_genuine",
      });
      await redis.cli("HSET", key("to"), "m:0", kept);
      assert.equal((await api.texts("to"))[0], "two");
      for (const field of ["title", "state", "meta"]) {
        ok(await api.send("PUT", "/v1/sessions/to/state", { a: 1 }));
        ok(await api.send("PATCH", "/v1/sessions/to", { metadata: { a: 1 } }));
        const value = await redis.cli("HGET", key("to"), field);
        const other = await redis.cli("HGET", key("from"), "title");
        await redis.cli("HSET", key("to"), field, other);
        const path = field === "state" ? "/v1/sessions/to/state" : "/v1/sessions/to";
        assertProblem(await api.get(path), 503, "value_unreadable");
        await redis.cli("HSET", key("to"), field, value);
        ok(await api.get(path));
      }
    });
  }

  test("keys rotate: what the old one sealed is read, what is new has the new one", async () => {
    const before = await api.texts("s1");
    const turn = { session_id: "kept", message_id: "m1" };
    await api.say("marker-kept", turn);
    await serve(`${KEYS.k2}, ${KEYS.k1}`);
    assert.equal(ok(await api.get("/health")).encryption, "k2");
    assert.deepEqual(await api.texts("s1"), before);
    assert.equal((await api.say("marker-kept", turn)).replayed, true, "a turn is known by what it said");
    await api.say("marker-rotated", { session_id: "rotated" });
    await serve(KEYS.k2);
    assert.equal((await api.texts("rotated"))[0], "marker-rotated");
    const unknown = await api.get("/v1/sessions/s1/history");
    assertProblem(unknown, 503, "value_unreadable");
    assert.match(unknown.body.detail, /encryption_key_unknown/);
    assert.equal(ok(await api.get("/health")).unreadable.cause, "encryption_key_unknown");
  });

  test("a wrong key, or none, is an error and never a text", async () => {
    for (const [keys, cause] of [
      [OTHER, "value_not_genuine"],
      ["", "encryption_key_unknown"],
    ]) {
      await serve(keys);
      const { sessions } = await api.list();
      assert.ok(sessions.length > 0 && sessions.every(({ title }) => !title), "a list shows such a title as none");
      const answer = await api.get("/v1/sessions/named");
      assertProblem(answer, 503, "value_unreadable");
      assert.ok(answer.body.detail.endsWith(cause), answer.text);
      const health = await api.get("/health");
      assert.deepEqual([health.status, health.body.unreadable.cause], [200, cause]);
    }
    await serve("k1:short");
    assertProblem(await api.get("/v1/sessions"), 503, "not_configured");
    assert.match((await api.get("/health")).body.cause, /^ENCRYPTION_KEYS: /);
  });

  test("off in the first place leaves what is new readable, and what is old is read on", async () => {
    await serve(`off, ${KEYS.k2}, ${KEYS.k1}`);
    await api.say("marker-plain", { session_id: "plain" });
    assert.ok((await placesOf("marker-plain")).length > 0);
    assert.equal(ok(await api.info("named")).title, "marker-named");
    const { session_id: branch } = ok(await api.send("POST", "/v1/sessions/kept/fork", {}));
    assert.deepEqual(await api.texts(branch), await api.texts("kept"), "what is sealed is bound to its session");
    await serve(`${KEYS.k2}, ${KEYS.k1}`);
    assert.equal((await api.texts("plain"))[0], "marker-plain");
    await serve(`${KEYS.k2}, ${KEYS.k1}`, { ENCRYPTION_STRICT: "on" });
    assertProblem(await api.get("/v1/sessions/plain"), 503, "value_unreadable");
    assert.equal(ok(await api.info("named")).title, "marker-named");
  });
});
