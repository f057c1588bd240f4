// Deleting and bringing back: docs/protocol.md, as a client sees it.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertProblem, eventually, ok } from "../harness/api.mjs";
import { fresh, ids, keyed, sessionsOf, still } from "../harness/sessions.mjs";
import { deleteAll, onEachStore } from "../harness/stores.mjs";

const UNDO = 3;

onEachStore("restore", { UNDO_SECONDS: `${UNDO}` }, (the) => {
  const { filled, messageIds, patch, post } = sessionsOf(the);

  describe("restore", () => {
    const prepared = async () => {
      const { id } = await filled("restore", 3);
      ok(await patch(id, { title: "Back", pinned: true, metadata: { a: 1 } }));
      ok(await the.api.send("PUT", `/v1/sessions/${id}/state`, '{"n":1.0}'));
      return id;
    };

    test("brings a session back as it was", async () => {
      const id = await prepared();
      const before = ok(await the.api.info(id));
      const { count } = await the.api.list();
      ok(await the.api.delete(id));
      assert.equal((await the.api.list()).count, count - 1);
      const back = ok(await post(id, "restore"));
      assert.ok(back.expires_at >= before.expires_at);
      const info = ok(await the.api.info(id));
      for (const same of ["title", "pinned", "metadata", "message_count", "total_messages", "created_at"]) {
        assert.deepEqual(info[same], before[same], same);
      }
      assert.deepEqual(await messageIds(id), ["m0", "m1", "m2"]);
      assert.equal((await the.api.get(`/v1/sessions/${id}/state`)).text, '{"n":1.0}');
      const list = await the.api.list("?limit=200");
      assert.deepEqual([list.count, ids(list).includes(id)], [count, true]);
      assert.equal((await the.api.say("Go on", { session_id: id, existing: true })).session.message_count, 5);
    });

    test("twice is one restore under a key, and a conflict without", async () => {
      const id = await prepared();
      ok(await the.api.delete(id));
      const key = keyed(fresh("key"));
      ok(await post(id, "restore", undefined, key));
      const info = still(ok(await the.api.info(id)));
      ok(await post(id, "restore", undefined, key));
      assert.deepEqual(still(ok(await the.api.info(id))), info);
      assertProblem(await post(id, "restore"), 409, "session_exists");
      assertProblem(await post(id, "restore", undefined, keyed(fresh("key"))), 409, "session_exists");
      ok(await the.api.delete(id));
      ok(await post(id, "restore"));
      assertProblem(await post(id, "restore"), 409, "session_exists");
    });

    test("is not undone by its deletion that arrives again under its key", async () => {
      const id = await prepared();
      const key = keyed(fresh("key"));
      const path = `/v1/sessions/${id}`;
      ok(await the.api.send("DELETE", path, undefined, key));
      ok(await post(id, "restore"));
      const info = still(ok(await the.api.info(id)));
      assert.deepEqual(ok(await the.api.send("DELETE", path, undefined, key)), { session_id: id, deleted: true });
      assert.deepEqual(still(ok(await the.api.info(id))), info);
      ok(await the.api.send("DELETE", path, undefined, keyed(fresh("key"))));
      assertProblem(await the.api.info(id), 404, "session_not_found");
      assertProblem(await the.api.send("DELETE", path, undefined, keyed("not an id")), 400, "invalid_idempotency_key");
    });

    test("is too late after the undo window, and then the id is free", async () => {
      const id = await prepared();
      ok(await the.api.delete(id));
      const deleted = Date.now();
      assertProblem(await the.api.chat({ message: "Late", session_id: id }), 410, "session_deleted");
      const free = await eventually(
        () => the.api.send("POST", "/v1/sessions", { session_id: fresh("probe") }).then(() => Date.now() - deleted),
        (passed) => passed > UNDO * 1000 + 100,
      );
      assert.ok(free > UNDO * 1000);
      assertProblem(await post(id, "restore"), 404, "session_not_found");
      assertProblem(await the.api.delete(id), 404, "session_not_found");
      const anew = await the.api.send("POST", "/v1/sessions", { session_id: id });
      assert.deepEqual([anew.status, anew.body.message_count], [201, 0]);
    });

    test("doesn't know an unknown one", async () => {
      assertProblem(await post(fresh("unknown"), "restore"), 404, "session_not_found");
    });
  });

  test("delete all takes every session, each to be restored", async () => {
    await deleteAll(the.api);
    const made = Array.from({ length: 105 }, () => fresh("all"));
    const create = async (session_id) => ok(await the.api.send("POST", "/v1/sessions", { session_id }));
    for (let from = 0; from < made.length; from += 15) await Promise.all(made.slice(from, from + 15).map(create));
    assert.equal((await the.api.list()).count, made.length);
    assert.deepEqual(ok(await the.api.send("DELETE", "/v1/sessions")), { deleted: made.length });
    assert.deepEqual(await the.api.list(), { sessions: [], count: 0 });
    assertProblem(await the.api.send("POST", "/v1/sessions", { session_id: made[3] }), 410, "session_deleted");
    ok(await post(made[3], "restore"));
    assert.deepEqual(ids(await the.api.list()), [made[3]]);
    assert.deepEqual(ok(await the.api.send("DELETE", "/v1/sessions")), { deleted: 1 });
    assert.deepEqual(ok(await the.api.send("DELETE", "/v1/sessions")), { deleted: 0 });
  });
});
