// The sweep: one session that the archive refuses keeps no other out of it, and is seen in /health.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Api, eventually, ok } from "../harness/api.mjs";
import { FakePostgrest } from "../harness/fake-postgrest.mjs";
import { startPostgres } from "../harness/postgres.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

const TABLE = `
  CREATE TABLE conversation_messages (
      id UUID PRIMARY KEY, conversation_id TEXT NOT NULL, question TEXT NOT NULL, answer TEXT NOT NULL, sources TEXT[],
      timestamp TIMESTAMP DEFAULT NOW());`;

forEachStore("the archive's sweep", (store) => {
  let postgres;
  /** @type {FakePostgrest} */
  let rest;
  let worker;
  let api;
  before(async () => {
    postgres = await startPostgres();
    await postgres.sql(TABLE);
    rest = await FakePostgrest.start(postgres);
    const vars = { ARCHIVE_MODE: "interval", SYNC_INTERVAL: "1", SUPABASE_URL: rest.url, SUPABASE_KEY: rest.key };
    worker = await startWorker({ store, vars });
    api = new Api(worker.url);
  });
  after(async () => {
    await worker?.stop();
    await rest?.stop();
    await postgres?.stop();
  });

  const sweep = async () => {
    await new Promise((resume) => setTimeout(resume, 1100));
    await worker.tick();
  };
  const health = async () => ok(await api.get("/health")).archive;
  const questions = async (name) => {
    const sql =
      "SELECT coalesce(json_agg(question ORDER BY timestamp), '[]') FROM conversation_messages WHERE conversation_id = :'name'";
    return JSON.parse(await postgres.sql(sql, { name }));
  };

  test("shows its lag before one has come to its end", async () => {
    assert.equal("lag_seconds" in (await health()), false);
    await api.say("First", { session_id: "first" });
    rest.failing = 1000;
    await sweep();
    const { lag_seconds, refused } = await health();
    assert.ok(lag_seconds >= 0 && lag_seconds < 60, `${lag_seconds}`);
    assert.equal(refused, 0, "an archive that is away refuses nothing");
    rest.failing = 0;
    await sweep();
    assert.deepEqual(await questions("chatkeep/first"), ["First"]);
  });

  test("goes on past a session that is refused, to later owners, other namespaces, deletions", async () => {
    const users = ["ada", "bob", "eve", "max"].map((user) => new Api(api.url, { "chatkeep-user": user }));
    await api.say("before", { session_id: "before" });
    await api.say("Kept beside it", { session_id: "poison" });
    await api.say("Poisoned", { session_id: "poison" });
    for (const one of users) await one.say("Theirs", { session_id: "theirs" });
    const openta = new Api(`${api.url}/openta`);
    const asked = { query: "Elsewhere", meta_params: { conversation_id: "op1" } };
    ok(await openta.send("POST", "/chat/basic", asked));
    await api.say("To be deleted", { session_id: "deleted" });
    await sweep();
    assert.deepEqual(await questions("chatkeep/deleted"), ["To be deleted"]);
    await postgres.sql("DELETE FROM conversation_messages");
    await postgres.sql(
      "INSERT INTO conversation_messages SELECT gen_random_uuid(), 'chatkeep/deleted', 'left', '', '{}', now()",
    );

    rest.refused = ['"question":"Poisoned"'];
    for (const id of ["before", "poison"]) await api.say("Again", { session_id: id });
    for (const one of users) await one.say("Again", { session_id: "theirs" });
    ok(await openta.send("POST", "/chat/basic", { ...asked, query: "Again" }));
    rest.failing = 1;
    ok(await api.delete("deleted"));
    rest.failing = 0;
    await sweep();
    assert.deepEqual(await questions("chatkeep/poison"), ["Kept beside it", "Again"]);
    assert.deepEqual(await questions("chatkeep/before"), ["before", "Again"]);
    for (const user of ["ada", "bob", "eve", "max"]) {
      assert.deepEqual(await questions(`chatkeep/u-${user}/theirs`), ["Theirs", "Again"]);
    }
    assert.deepEqual(await questions("op1"), ["Elsewhere", "Again"]);
    assert.deepEqual(await questions("chatkeep/deleted"), []);
    const { lag_seconds, refused } = await health();
    assert.deepEqual([refused, lag_seconds < 60], [1, true]);
    const logs = await eventually(
      () => worker.logs(),
      (logs) => logs.includes("archive_refused"),
    );
    const line = logs.split("\n").find((line) => line.includes("archive_refused")) ?? "";
    assert.match(line, /"session_id":"poison"/);
    assert.ok(!logs.includes("Poisoned"), "no text is in a log");

    rest.refused = [];
    await sweep();
    assert.deepEqual(await questions("chatkeep/poison"), ["Kept beside it", "Poisoned", "Again"]);
    assert.equal((await health()).refused, 0);
  });

  test("keeps a text with a character that PostgreSQL has none for", async () => {
    await api.say("pdf \u0000 text", { session_id: "null" });
    await sweep();
    assert.deepEqual(await questions("chatkeep/null"), ["pdf \ufffd text"]);
    assert.equal((await health()).refused, 0);
  });
});
