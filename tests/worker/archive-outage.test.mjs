// Archive and journal know of each other: what was archived and what an outage's journal has become one history.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { Api, assertProblem, eventually, ok } from "../harness/api.mjs";
import { FakePostgrest } from "../harness/fake-postgrest.mjs";
import { startPostgres } from "../harness/postgres.mjs";
import { startRedis } from "../harness/redis.mjs";
import { STORES } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

const TABLE = `
  CREATE TABLE conversation_messages (
      id UUID PRIMARY KEY, conversation_id TEXT NOT NULL, question TEXT NOT NULL, answer TEXT NOT NULL, sources TEXT[],
      timestamp TIMESTAMP DEFAULT NOW());`;

const THREE = ["One", "Two", "Three"];

/** A Redis that comes back empty, or as it was; a Worker with an archive; and what one of its owners does. */
async function start({ appendonly = false, vars = {} } = {}) {
  const redis = await startRedis({ appendonly });
  const worker = await startWorker({
    store: "upstash",
    redis,
    vars: { ARCHIVE_MODE: "write-through", ECHO_WORD_MS: "0", ...vars },
  });
  const api = new Api(worker.url);
  return {
    redis,
    worker,
    api,
    /** Says something that has to go into the journal. */
    sayInOutage: async (message, session_id, more = {}) => {
      const said = ok(await api.chat({ message, session_id, ...more }));
      assert.equal(said.degraded, true);
      return said;
    },
    replayed: () =>
      eventually(
        () => api.get("/health"),
        ({ status, body }) => status === 200 && body.redis === "connected" && body.journal_depth === 0,
        30_000,
      ),
    stop: async () => {
      await worker.stop();
      await redis.stop();
    },
  };
}

/** What the user said, in the order of the history. */
const asked = async (api, id) =>
  (await api.history(id, "?limit=500")).messages.filter(({ role }) => role === "user").map(({ content }) => content);

/** The D1 database of a Worker that doesn't run. */
function d1(worker) {
  for (const path of readdirSync(worker.persistTo, { recursive: true, encoding: "utf8" })) {
    if (!path.endsWith(".sqlite")) continue;
    const file = new DatabaseSync(join(worker.persistTo, path));
    const found = file.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name = 'chatkeep_messages'").get();
    if (found?.n) return file;
    file.close();
  }
  throw new Error("no archive");
}

describe("archive and journal", { skip: !STORES.includes("upstash") }, () => {
  test("a turn of an outage after which Redis is empty stands behind what was archived", async () => {
    const here = await start();
    try {
      for (const message of THREE) await here.api.say(message, { session_id: "talk" });
      await here.redis.kill();
      await here.sayInOutage("During", "talk");
      await here.redis.restart();
      await here.replayed();
      assert.deepEqual(await asked(here.api, "talk"), [...THREE, "During"]);
      const info = ok(await here.api.info("talk"));
      assert.deepEqual([info.total_messages, info.title], [8, "One"]);
      // And the archive has all of it: Redis is emptied once more.
      await here.redis.cli("FLUSHALL");
      assert.deepEqual(await asked(here.api, "talk"), [...THREE, "During"]);
    } finally {
      await here.stop();
    }
  });

  test("a turn of an outage to a session that had expired stands behind what was archived", async () => {
    const here = await start({ appendonly: true });
    try {
      for (const message of THREE) await here.api.say(message, { session_id: "talk" });
      await here.redis.cli("DEL", "chatkeep:{app}:s:talk");
      await here.redis.kill();
      await here.sayInOutage("During", "talk");
      await here.redis.restart();
      await here.replayed();
      assert.deepEqual(await asked(here.api, "talk"), [...THREE, "During"]);
    } finally {
      await here.stop();
    }
  });

  test("so does one of a time in which Redis was full", async () => {
    const here = await start();
    try {
      for (const message of THREE) await here.api.say(message, { session_id: "talk" });
      await here.redis.cli("DEL", "chatkeep:{app}:s:talk");
      await here.redis.cli("CONFIG", "SET", "maxmemory", "1");
      await here.sayInOutage("During", "talk");
      await here.redis.cli("CONFIG", "SET", "maxmemory", "0");
      await here.replayed();
      assert.deepEqual(await asked(here.api, "talk"), [...THREE, "During"]);
    } finally {
      await here.stop();
    }
  });

  test("a turn that was begun in a Redis that then was lost is whole", async () => {
    const here = await start({ vars: { ECHO_WORD_MS: "200" } });
    try {
      await here.api.say("One", { session_id: "talk" });
      const stream = fetch(`${here.api.url}/v1/chat`, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "text/event-stream" },
        body: JSON.stringify({ message: "Two words and some more of them", session_id: "talk", stream: true }),
      }).then((answer) => answer.text());
      await eventually(
        () => here.redis.cli("HGET", "chatkeep:{app}:s:talk", "next"),
        (next) => next === "3",
      );
      await here.redis.kill();
      assert.match(await stream, /event: done/);
      await here.redis.restart();
      await here.replayed();
      const { messages } = await here.api.history("talk");
      assert.deepEqual(
        messages.map(({ role }) => role),
        ["user", "assistant", "user", "assistant"],
      );
      assert.equal(messages[2].content, "Two words and some more of them");
    } finally {
      await here.stop();
    }
  });

  test("what was deleted in an outage does not return", async () => {
    const here = await start();
    try {
      for (const id of ["gone", "stays"]) await here.api.say("One", { session_id: id });
      await here.redis.kill();
      await here.sayInOutage("During", "gone");
      ok(await here.api.delete("gone"));
      await here.redis.restart();
      await here.replayed();
      assertProblem(await here.api.get("/v1/sessions/gone/history"), 404, "session_not_found");
      await here.worker.tick();
      await here.redis.cli("FLUSHALL");
      assertProblem(await here.api.get("/v1/sessions/gone/history"), 404, "session_not_found");
      assert.deepEqual(await asked(here.api, "stays"), ["One"]);
      // Its id is free for another.
      await here.api.say("Anew", { session_id: "gone" });
      await here.redis.cli("FLUSHALL");
      assert.deepEqual(await asked(here.api, "gone"), ["Anew"]);
    } finally {
      await here.stop();
    }
  });

  test("a restored session is archived again", async () => {
    const here = await start();
    try {
      await here.api.say("One", { session_id: "back" });
      ok(await here.api.delete("back"));
      ok(await here.api.send("POST", "/v1/sessions/back/restore"));
      await here.api.say("Two", { session_id: "back" });
      await here.redis.cli("FLUSHALL");
      assert.deepEqual(await asked(here.api, "back"), ["One", "Two"]);
    } finally {
      await here.stop();
    }
  });

  test("two generations in D1 are read, exported, listed and erased as one", async () => {
    const here = await start();
    try {
      for (const message of THREE) await here.api.say(message, { session_id: "old" });
      await here.worker.kill();
      const archive = d1(here.worker);
      // As an earlier version left it: the last turn is in a generation of its own, and so is one more of the turns.
      archive.exec(`
        INSERT INTO chatkeep_sessions SELECT namespace, owner, session_id, created + 1, updated + 1, 4, 4, revision, last_id,
          'Later', flags, metadata, state, used, summary FROM chatkeep_sessions;
        INSERT INTO chatkeep_messages SELECT namespace, owner, session_id, created + 1, position - 2, message
          FROM chatkeep_messages WHERE position >= 2;
        DELETE FROM chatkeep_messages WHERE position >= 4 AND created = (SELECT min(created) FROM chatkeep_sessions);`);
      archive.close();
      await here.redis.cli("FLUSHALL");
      await here.worker.restart();
      assert.deepEqual(await asked(here.api, "old"), THREE);
      const exported = (await (await fetch(`${here.api.url}/v1/export`)).text()).trim().split("\n");
      assert.equal(exported.filter((line) => line.includes('"message":{')).length, 6);
      const { sessions } = await here.api.list();
      assert.deepEqual(
        sessions.map(({ session_id, message_count }) => [session_id, message_count]),
        [["old", 6]],
      );
      await here.redis.cli("FLUSHALL");
      const one = await (await fetch(`${here.api.url}/v1/sessions/old/export`)).text();
      assert.equal(one.trim().split("\n").length, 8);
      await here.redis.cli("FLUSHALL");
      assert.equal(ok(await here.api.send("DELETE", "/v1/sessions")).deleted, 1);
      assertProblem(await here.api.get("/v1/sessions/old/history"), 404, "session_not_found");
    } finally {
      await here.stop();
    }
  });
});

describe("archive in PostgreSQL and journal", { skip: !STORES.includes("upstash") }, () => {
  let postgres;
  /** @type {FakePostgrest} */
  let rest;
  let here;
  before(async () => {
    postgres = await startPostgres();
    await postgres.sql(TABLE);
    rest = await FakePostgrest.start(postgres);
    const vars = { ARCHIVE_MODE: "write-through", SYNC_INTERVAL: "1", SUPABASE_URL: rest.url, SUPABASE_KEY: rest.key };
    here = await start({ vars });
  });
  after(async () => {
    await here?.stop();
    await rest?.stop();
    await postgres?.stop();
  });

  const sweep = async () => {
    await new Promise((resume) => setTimeout(resume, 1100));
    await here.worker.tick();
  };

  test("a turn of an outage after which Redis is empty stands behind what was archived", async () => {
    for (const message of THREE) await here.api.say(message, { session_id: "talk" });
    await here.redis.kill();
    await here.sayInOutage("During", "talk");
    await here.redis.restart();
    await here.replayed();
    assert.deepEqual(await asked(here.api, "talk"), [...THREE, "During"]);
  });

  test("what is said while neither can be asked finds together later", async () => {
    for (const message of THREE) await here.api.say(message, { session_id: "apart" });
    await here.redis.kill();
    await here.sayInOutage("During", "apart");
    rest.failing = 1000;
    await here.redis.restart();
    await here.replayed();
    assert.deepEqual(await asked(here.api, "apart"), ["During"]);
    rest.failing = 0;
    await sweep();
    assert.deepEqual(await asked(here.api, "apart"), [...THREE, "During"]);
    await here.api.say("After", { session_id: "apart" });
    await here.redis.cli("FLUSHALL");
    assert.deepEqual(await asked(here.api, "apart"), [...THREE, "During", "After"]);
  });

  test("a turn goes on without an archive, a session that has to be there is not said to be gone", async () => {
    for (const message of THREE) await here.api.say(message, { session_id: "alone" });
    await here.redis.cli("FLUSHALL");
    rest.failing = 1000;
    const known = await here.api.chat({ message: "Known", session_id: "alone", existing: true });
    assertProblem(known, 503, "store_unavailable");
    await here.api.say("Meanwhile", { session_id: "alone" });
    rest.failing = 0;
    await sweep();
    assert.deepEqual(await asked(here.api, "alone"), [...THREE, "Meanwhile"]);
  });

  test("what was deleted does not return, whoever sends it", async () => {
    await here.api.say("One", { session_id: "deleted" });
    rest.failing = 1;
    ok(await here.api.delete("deleted"));
    await sweep();
    await here.redis.cli("FLUSHALL");
    assertProblem(await here.api.get("/v1/sessions/deleted/history"), 404, "session_not_found");
    // As a look that was under way would leave it.
    const late = {
      conversation_id: "chatkeep/deleted",
      question: "One",
      answer: "late",
      timestamp: "2020-01-01T00:00:00",
    };
    await postgres.sql(
      "INSERT INTO conversation_messages SELECT gen_random_uuid(), r.conversation_id, r.question, r.answer, '{}', r.timestamp FROM json_populate_record(null::conversation_messages, :'body') r",
      { body: JSON.stringify(late) },
    );
    assertProblem(await here.api.get("/v1/sessions/deleted/history"), 404, "session_not_found");
  });
});
