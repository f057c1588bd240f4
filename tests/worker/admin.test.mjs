// The directory of owners, and the rebuild of a list that Redis evicted.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, ok } from "../harness/api.mjs";
import { onEachStore } from "../harness/stores.mjs";

onEachStore("administration", {}, (the) => {
  test("an owner is in the directory once it has a session", async () => {
    await the.api.say("Hello", { session_id: "s1" });
    const { owners } = await eventually(
      async () => ok(await the.api.get("/v1/admin/owners")),
      (page) => page.owners.length > 0,
    );
    assert.deepEqual(
      owners.map(({ owner }) => owner),
      ["app"],
    );
    assert.ok(Math.abs(Date.parse(owners[0].last_active_at) - Date.now()) < 60_000);
  });

  test("a page of the directory goes on where the last one ended", async () => {
    const page = ok(await the.api.get("/v1/admin/owners?limit=1"));
    assert.equal(page.owners.length, 1);
    const next = ok(await the.api.get(`/v1/admin/owners?limit=1&cursor=${page.next_cursor}`));
    assert.deepEqual(next, { owners: [] });
  });

  test("a rebuild brings back a list that was evicted, and lets go of sessions that were", async () => {
    for (const number of [2, 3]) await the.api.say(`Chat ${number}`, { session_id: `s${number}` });
    const before = await the.api.list();
    if (the.store === "upstash") {
      const { redis } = the.worker;
      await redis.cli("DEL", "chatkeep:{app}:index", "chatkeep:{app}:cards");
      assert.equal((await the.api.list()).count, 0);
    }
    assert.deepEqual(ok(await the.api.send("POST", "/v1/admin/rebuild")), { sessions: 3 });
    const steady = ({ sessions }) => sessions.map(({ expires_in_seconds, ...session }) => session);
    assert.deepEqual(steady(await the.api.list()), steady(before));
    if (the.store === "upstash") {
      const { redis } = the.worker;
      await redis.cli("DEL", "chatkeep:{app}:s:s2");
      assert.deepEqual(ok(await the.api.send("POST", "/v1/admin/rebuild")), { sessions: 2 });
      assert.equal(await redis.cli("HEXISTS", "chatkeep:{app}:cards", "s2"), "0");
      assert.ok(Number(await redis.cli("TTL", "chatkeep:{app}:index")) > 0);
    }
  });
});
