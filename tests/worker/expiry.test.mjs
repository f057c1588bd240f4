// Sessions expire: turns slide the time, reads don't, and when it has passed nothing is left in any store.
import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { assertProblem, eventually, ok } from "../harness/api.mjs";
import { onEachStore } from "../harness/stores.mjs";

/** What is left in the store: rows of the vault's tables, or keys of Redis. */
async function left({ store, worker }) {
  if (store === "upstash") return (await worker.redis.cli("--scan")).split("\n").filter(Boolean);
  const [file] = globSync(join(worker.persistTo, "*Vault/*.sqlite")).filter((file) => !file.includes("metadata"));
  assert.ok(file, "the vault has no file");
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const rows = (table) => database.prepare(`SELECT * FROM ${table}`).all();
    return ["sessions", "messages", "turns"].flatMap(rows);
  } finally {
    database.close();
  }
}

onEachStore("expiry", { SESSION_TTL_SECONDS: "2", UNDO_SECONDS: "2" }, (the) => {
  test("a turn slides the time, reads don't, and then the session is gone", async () => {
    const { api } = the;
    const first = await api.say("Hello", { session_id: "s" });
    assert.equal(first.session.expires_in_seconds, 2);
    const { expires_at } = first.session;
    ok(await api.info("s"));
    await api.history("s");
    const { sessions } = await api.list();
    assert.deepEqual(
      sessions.map((session) => session.expires_at),
      [expires_at],
    );

    const second = await api.say("Hello again", { session_id: "s", existing: true });
    assert.ok(second.session.expires_at > expires_at);
    assert.ok((await left(the)).length > 2);
    const ends = Date.parse(second.session.expires_at);

    const gone = await eventually(
      () => api.info("s"),
      ({ status }) => status !== 200,
    );
    assertProblem(gone, 404, "session_not_found");
    assert.ok(Date.now() >= ends, "it went too early");
    assert.deepEqual(await api.list(), { sessions: [], count: 0 });
    assertProblem(await api.get("/v1/sessions/s/history"), 404, "session_not_found");
    assertProblem(await api.delete("s"), 404, "session_not_found");
    assertProblem(await api.chat({ message: "Late", session_id: "s", existing: true }), 404, "session_not_found");
  });

  test("nothing of it is left in the store, though nobody asks", async () => {
    await eventually(
      () => left(the),
      (rows) => rows.length === 0,
    );
  });

  test("an empty and a deleted session go too", async () => {
    const { api } = the;
    ok(await api.send("POST", "/v1/sessions", { session_id: "empty" }));
    await api.say("Hello", { session_id: "deleted" });
    ok(await api.delete("deleted"));
    assert.ok((await left(the)).length > 1);
    await eventually(
      () => left(the),
      (rows) => rows.length === 0,
    );
    assert.equal((await api.list()).count, 0);
  });

  test("its id begins a new session", async () => {
    const { api } = the;
    const answer = await api.say("Who am I?", { session_id: "s" });
    assert.equal(answer.created, true);
    assert.equal(answer.session.total_messages, 2);
    assert.match(answer.response, /first thing/);
  });

  test("one that is used lives on beside one that isn't", async () => {
    const { api } = the;
    await api.say("Hello", { session_id: "used" });
    await api.say("Hello", { session_id: "unused" });
    let turns = 1;
    await eventually(
      async () => {
        await api.say("Still here", { session_id: "used", existing: true });
        turns += 1;
        return (await api.info("unused")).status;
      },
      (status) => status === 404,
    );
    assert.equal(ok(await api.info("used")).total_messages, 2 * turns);
    const { sessions, count } = await api.list();
    assert.deepEqual([sessions.map((session) => session.session_id), count], [["used"], 1]);
  });

  test("what expires while workerd is down is gone when it is back", async () => {
    const { api, worker } = the;
    const { session } = await api.say("Hello", { session_id: "down" });
    await worker.kill();
    await eventually(Date.now, (now) => now > Date.parse(session.expires_at));
    await worker.restart();
    assertProblem(await api.info("down"), 404, "session_not_found");
    assert.equal((await api.list()).count, 0);
    await eventually(
      () => left(the),
      (rows) => rows.length === 0,
    );
  });
});
