// The long-term archive: what the storage guide calls hybrid (C11), OpenTA's table (E7), JetVision's records (B6).
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { Api, assertProblem, eventually, ok } from "../harness/api.mjs";
import { EventStream } from "../harness/events.mjs";
import { FakePostgrest } from "../harness/fake-postgrest.mjs";
import { startPostgres } from "../harness/postgres.mjs";
import { startRedis } from "../harness/redis.mjs";
import { forEachStore, STORES } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";
import { TEXTS } from "./dialect.mjs";

/** The document's own table. */
const TABLE = `
  CREATE EXTENSION "uuid-ossp";
  CREATE TABLE conversation_messages (
      id UUID PRIMARY KEY DEFAULT uuid_generate_v4(),
      conversation_id TEXT NOT NULL,
      question TEXT NOT NULL,
      answer TEXT NOT NULL,
      sources TEXT[],
      timestamp TIMESTAMP DEFAULT NOW()
  );
  CREATE INDEX idx_conv_messages_conv_id ON conversation_messages(conversation_id);`;

const fresh = () => `c-${randomUUID()}`;

/**
 * A Worker with an archive and a store whose sessions can be made to be lost, as by an eviction or a flush. Its database is an
 * object, as where Chatkeep is self-hosted; under wrangler it is D1.
 */
async function archiving(store, vars, wrangler = false) {
  const redis = store === "upstash" ? await startRedis() : undefined;
  const worker = await startWorker({ store, redis, vars, wrangler });
  const api = new Api(worker.url);
  return {
    worker,
    api,
    openta: new Api(`${worker.url}/openta`),
    guide: new Api(`${worker.url}/storage-guide`),
    /** Waits until the sessions have ended, or flushes Redis. */
    lose: async (look) => {
      if (redis) return void (await redis.cli("FLUSHALL"));
      for (;;) if ((await look()).status === 404) return;
    },
    stop: async () => {
      await worker.stop();
      await redis?.stop();
    },
  };
}

/** Deletes everybody's sessions of a namespace as an operator; says how many those were. */
async function deleteEverybodys(/** @type {Api} */ api, /** @type {string} */ confirm) {
  let deleted = 0;
  for (let cursor = ""; ; ) {
    const answer = ok(
      await api.send("DELETE", `/v1/admin/sessions?${new URLSearchParams({ confirm, ...(cursor && { cursor }) })}`),
    );
    deleted += answer.deleted;
    cursor = answer.next_cursor;
    if (!cursor) return deleted;
  }
}

/** One of the application's users. */
const userOf = (/** @type {Api} */ api, user = "ada") => new Api(api.url, { "chatkeep-user": user });

/** Where the directory of owners is lost with the sessions. */
const FORGETS = (/** @type {string} */ store) => ({
  skip: store === "vault" && "a vault's owner stays in the directory",
});

forEachStore("archive in an object", (store) => archiveInDatabase(store, false));

// What D1 does differently doesn't depend on the store.
describe("archive in D1", () => archiveInDatabase(STORES.at(-1), true));

/** The suite of an archive in SQLite's SQL. */
function archiveInDatabase(store, wrangler) {
  test("an operator's deletion takes what only the archive has, of whomever Redis forgot", FORGETS(store), async () => {
    const { api, guide, lose, stop } = await archiving(store, { ARCHIVE_MODE: "write-through" }, wrangler);
    try {
      const user = userOf(api);
      for (const one of [api, user]) await one.say("Kept", { session_id: "archived" });
      ok(await guide.send("POST", "/v1/sessions", { session_id: "elsewhere" }));
      await lose();
      assert.equal(await deleteEverybodys(api, "chatkeep:"), 2);
      for (const one of [api, user]) {
        assertProblem(await one.get("/v1/sessions/archived/history"), 404, "session_not_found");
      }
      ok(await guide.get("/v1/sessions/elsewhere/history"));
      assert.equal(await deleteEverybodys(api, "chatkeep:"), 0);
    } finally {
      await stop();
    }
  });

  test("write-through takes streamed turns too, before they are done", async () => {
    const vars = {
      ARCHIVE_MODE: "write-through",
      ECHO_WORD_MS: "0",
      ...(store === "vault" && { SESSION_TTL_SECONDS: "3" }),
    };
    const { api, lose, stop, worker } = await archiving(store, vars, wrangler);
    try {
      const session_id = fresh();
      const stream = await EventStream.open(`${worker.url}/v1/chat`, {
        json: { message: "Kept", session_id, stream: true },
      });
      assert.equal((await stream.all()).at(-1).name, "done");
      await lose(() => api.info(session_id));
      assert.deepEqual(await api.texts(session_id), ["Kept", stream.text]);
    } finally {
      await stop();
    }
  });

  test("C11 hybrid, write-through: a lost session comes back on history and on the next turn, a deleted one never", async () => {
    const vars = {
      ARCHIVE_MODE: "write-through",
      ...(store === "vault" && { STORAGE_GUIDE_SESSION_TTL_SECONDS: "6" }),
    };
    const { guide, lose, stop, worker } = await archiving(store, vars, wrangler);
    try {
      const path = "/api/chat/sessions";
      const create = async () => ok(await guide.send("POST", `${path}?user_id=user123`)).session_id;
      const say = (id, message) =>
        guide.send("POST", `${path}/${id}/messages`, { message, metadata: { source: "web" } });
      const info = (id) => guide.get(`/v1/sessions/${id}`);
      const [read, gone, talked] = [await create(), await create(), await create()];
      for (const id of [read, gone, talked]) for (const text of TEXTS) ok(await say(id, text));
      const before = ok(await guide.get(`${path}/${read}/history`));
      ok(await guide.send("DELETE", `${path}/${gone}`));
      await lose(() => info(talked));

      assert.deepEqual(ok(await guide.get(`${path}/${read}/history`)), before);
      assert.equal(ok(await info(read)).user_id, "user123");
      assert.ok(
        ok(await say(talked, "And now?")).assistant_response.includes(TEXTS.at(-1).split("\n")[0].slice(0, 10)),
      );
      assert.equal(ok(await guide.get(`${path}/${talked}/history`)).total_messages, 10);
      assertProblem(await guide.get(`${path}/${gone}/history`), 404, "session_not_found");
      assertProblem(await say(gone, "Hello?"), 404, "session_not_found");

      await lose(() => info(talked));
      assert.equal(ok(await guide.send("DELETE", "/v1/sessions")).deleted, 2, "of the archive alone");
      assertProblem(await guide.get(`${path}/${read}/history`), 404, "session_not_found");
      const { archive } = ok(await new Api(worker.url).get("/health"));
      assert.deepEqual([archive.mode, archive.target], ["write-through", "d1"]);
    } finally {
      await stop();
    }
  });

  test("C11 hybrid, at intervals: exactly once in effect, with the lag in /health", async () => {
    const vars = { ARCHIVE_MODE: "interval", SYNC_INTERVAL: "1", MAX_MESSAGES_PER_SESSION: "1000" };
    if (store === "vault") Object.assign(vars, { SESSION_TTL_SECONDS: "5" });
    const { api, worker, lose, stop } = await archiving(store, vars, wrangler);
    try {
      const session_id = fresh();
      for (const message of TEXTS) await api.say(message, { session_id });
      ok(await api.send("PUT", `/v1/sessions/${session_id}/state`, { step: 1 }));
      assert.equal("lag_seconds" in ok(await api.get("/health")).archive, false);
      await worker.tick();
      const { lag_seconds } = ok(await api.get("/health")).archive;
      assert.ok(lag_seconds >= 0 && lag_seconds < 60, `${lag_seconds}`);

      // An edit after it was archived: what it cut out must not come back.
      const { messages } = await api.history(session_id);
      await api.say("Edited", { session_id, cut_after: messages[3].id });
      await new Promise((resume) => setTimeout(resume, 1100));
      await worker.tick();
      await worker.tick();
      const before = await api.history(session_id);
      assert.equal(before.messages.length, 6);
      await lose(() => api.info(session_id));
      assert.deepEqual((await api.history(session_id)).messages, before.messages);
      assert.deepEqual(ok(await api.get(`/v1/sessions/${session_id}/state`)), { step: 1 });
      assert.equal(ok(await api.info(session_id)).total_messages, before.total_messages);
    } finally {
      await stop();
    }
  });
}

forEachStore("archive in PostgreSQL", (store) => {
  let postgres;
  /** @type {FakePostgrest} */
  let rest;
  let here;
  before(async () => {
    postgres = await startPostgres();
    await postgres.sql(TABLE);
    rest = await FakePostgrest.start(postgres);
    const vars = { SUPABASE_URL: rest.url, SUPABASE_KEY: rest.key, AUTO_SYNC_TO_DB: "true", SYNC_INTERVAL: "1" };
    // Long enough for a busy machine to archive a session before it ends, and short enough to wait for its end.
    if (store === "vault") Object.assign(vars, { SESSION_TTL: "15" });
    here = await archiving(store, vars);
    // The first look makes the objects that it asks, which takes a while.
    await here.worker.tick();
  });
  after(async () => {
    await here?.stop();
    await rest?.stop();
    await postgres?.stop();
  });

  const ask = async (query, conversation_id) =>
    ok(await here.openta.send("POST", "/chat/basic", { query, meta_params: { conversation_id } }));
  const rows = async (id) =>
    JSON.parse(
      await postgres.sql(
        "SELECT coalesce(json_agg(t ORDER BY timestamp, id), '[]') FROM conversation_messages t WHERE conversation_id = :'id'",
        { id },
      ),
    );
  /** Lets the interval pass, and the cron ring. */
  const sync = async () => {
    await new Promise((resume) => setTimeout(resume, 1100));
    await here.worker.tick();
  };

  test("E7 archive: one row for each finished turn, and a repeat inserts nothing", async () => {
    const id = fresh();
    for (const text of TEXTS) await ask(text, id);
    const pair = { question: "Q", answer: "A", sources: ["Paper_001", "Paper_002"] };
    ok(await here.openta.send("POST", `/chat/history/${id}`, pair));
    await sync();
    const seen = await rows(id);
    assert.deepEqual(
      seen.map(({ question }) => question),
      [...TEXTS, "Q"],
    );
    assert.deepEqual([seen[4].answer, seen[4].sources, seen[0].sources], ["A", pair.sources, []]);
    assert.deepEqual(Object.keys(seen[0]), ["id", "conversation_id", "question", "answer", "sources", "timestamp"]);
    await sync();
    await ask("One more", id);
    await sync();
    const later = await rows(id);
    assert.deepEqual(later.slice(0, 5), seen);
    assert.equal(later.length, 6);
  });

  test("E7 archive: an outage of it loses nothing, and the next look makes up for it", async () => {
    const id = fresh();
    await ask("Before", id);
    rest.failing = 3;
    await sync();
    await eventually(
      () => here.worker.logs(),
      (logs) => /archive_failed/.test(logs),
    );
    rest.failing = 0;
    await ask("During", id);
    await sync();
    assert.deepEqual(
      (await rows(id)).map(({ question }) => question),
      ["Before", "During"],
    );
  });

  test("E7 archive: a conversation that was lost comes back, keeps its rows, and leaves with its deletion", async () => {
    const id = fresh();
    await ask(TEXTS[0], id);
    await ask(TEXTS[1], id);
    await sync();
    const before = await rows(id);
    await here.lose(() => here.openta.get(`/v1/sessions/${id}`));
    const { history } = ok(await here.openta.get(`/chat/history/${id}`));
    assert.deepEqual(
      history.map(({ question, answer }) => [question, answer]),
      before.map((row) => [row.question, row.answer]),
    );
    assert.ok((await ask("And now?", id)).answer.includes(TEXTS[1]));
    await sync();
    const later = await rows(id);
    assert.deepEqual([later.length, later.slice(0, 2)], [3, before]);
    rest.failing = 1;
    ok(await here.openta.send("DELETE", `/v1/sessions/${id}`));
    assertProblem(await here.openta.get(`/chat/history/${id}`), 404, "session_not_found");
    assert.equal((await rows(id)).length, 3);
    await sync();
    assert.equal((await rows(id)).length, 0);
  });

  test("B6 records: the canonical API's sessions reach the archive too", async () => {
    const { session_id } = await here.api.say("Hello");
    await sync();
    assert.equal((await rows(`chatkeep/${session_id}`)).length, 1);
  });

  test("a deletion of all takes what only the archive has, and nobody else's", async () => {
    const mine = new Api(`${here.worker.url}/openta`);
    const id = fresh();
    await ask(TEXTS[0], id);
    await here.api.say("Stays", { session_id: "stays" });
    await sync();
    await here.lose(() => mine.get(`/v1/sessions/${id}`));
    assert.ok(ok(await mine.send("DELETE", "/v1/sessions")).deleted >= 1);
    assert.equal((await rows(id)).length, 0);
    assertProblem(await mine.get(`/chat/history/${id}`), 404, "session_not_found");
    assert.equal((await rows("chatkeep/stays")).length, 1);
  });

  test("an operator's deletion takes what only the table has, of whomever Redis forgot", FORGETS(store), async () => {
    const id = fresh();
    // Not the application: it was noted in the directory that the tests before have flushed, and is noted again minutes later only.
    const users = ["ada", "bob"];
    for (const user of users) {
      const query = { query: TEXTS[1], meta_params: { conversation_id: id } };
      ok(await userOf(here.openta, user).send("POST", "/chat/basic", query));
    }
    ok(await userOf(here.api, "ada").chat({ message: "Stays", session_id: "remains" }));
    const left = async () =>
      Promise.all(
        ["u-ada", "u-bob", "chatkeep/u-ada"].map(
          async (stem) => (await rows(`${stem}/${stem.startsWith("u-") ? id : "remains"}`)).length,
        ),
      );
    await sync();
    assert.deepEqual(await left(), [1, 1, 1]);
    await here.lose();
    assert.ok((await deleteEverybodys(here.openta, "conversation:")) >= 2);
    assert.deepEqual(await left(), [0, 0, 1]);
  });
});
