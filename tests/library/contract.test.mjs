// The contract of chatkeep/server, the same in memory and on a real Redis, over TCP and over REST.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatkeepError } from "chatkeep/server";
import { eventually } from "../harness/api.mjs";
import { onEachLibraryStore } from "./stores.mjs";

/** @param {string} code */
const problem = (code) => (/** @type {unknown} */ error) => {
  assert.ok(error instanceof ChatkeepError, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};
const TEXT = 'Příliš žluťoučký kůň — Xin chào Việt Nam — ação 🎉 \u0000 \\ "';

onEachLibraryStore("a store", (the) => {
  test("a state comes back as it was, and is null where there is none", async () => {
    assert.equal(await the.store.get("absent"), null);
    for (const state of [{ text: TEXT, list: [1, 2.5, null, { deep: [] }], no: false }, [], {}, "text", 0, true]) {
      await the.store.set("state", state);
      assert.deepEqual(await the.store.get("state"), state);
    }
  });

  test("what is no state is refused", async () => {
    for (const nothing of [null, undefined, () => {}, Number.NaN]) {
      await assert.rejects(the.store.set("nothing", nothing), (error) => error instanceof ChatkeepError);
    }
    await assert.rejects(the.store.set("nothing", "x".repeat(1_048_577)), problem("state_too_large"));
    assert.equal(await the.store.get("nothing"), null);
  });

  test("what is no id is refused", async () => {
    for (const id of ["", "new", "a b", "a/b", "{x}", "x".repeat(129)]) {
      await assert.rejects(the.store.get(id), problem("invalid_session_id"));
    }
    for (const id of ["user-123", "default", "abc-def-456", "x".repeat(128)])
      assert.equal(await the.store.get(id), null);
  });

  test("a session that is deleted is gone, and its id can be used again", async () => {
    await the.store.set("gone", { n: 1 });
    assert.equal(await the.store.delete("gone"), true);
    assert.equal(await the.store.get("gone"), null);
    assert.equal(await the.store.delete("gone"), false);
    await the.store.set("gone", { n: 2 });
    assert.deepEqual(await the.store.get("gone"), { n: 2 });
  });

  test("a session that is deleted with undo can be restored, and its id is refused until then", async () => {
    await the.store.append("undone", [{ role: "user", content: "keep me" }]);
    assert.equal(await the.store.delete("undone", { undo: true }), true);
    await assert.rejects(the.store.set("undone", 1), problem("session_deleted"));
    assert.equal((await the.store.restore("undone")).messageCount, 1);
    await assert.rejects(the.store.restore("undone"), problem("session_exists"));
  });

  test("a state and its session expire, unless they are used before", async () => {
    const short = the.another({ ttlSeconds: 2, keyPrefix: "short:" });
    await short.set("used", 1);
    await short.set("left", 1);
    const begin = Date.now();
    await eventually(
      () => short.refreshTTL("used"),
      (there) => !there || Date.now() - begin > 2_300,
    );
    assert.deepEqual([await short.get("used"), await short.get("left")], [1, null]);
    assert.equal(await short.refreshTTL("left"), false);
    assert.deepEqual(
      (await short.list()).sessions.map(({ id }) => id),
      ["used"],
    );
  });

  test("of racing getOrCreate callers one writes, and all get what it wrote", async () => {
    const stores = the.kind === "memory" ? [the.store, the.store] : [the.store, the.another()];
    const initial = (/** @type {number} */ n) => ({ winner: n });
    const got = await Promise.all(
      Array.from({ length: 20 }, (_, n) => stores[n % 2].getOrCreate("race", n % 3 ? initial(n) : () => initial(n))),
    );
    assert.equal(new Set(got.map((state) => JSON.stringify(state))).size, 1);
    assert.deepEqual(await the.store.get("race"), got[0]);
    const asked = await the.store.getOrCreate("race", () => assert.fail("there is a state"));
    assert.deepEqual(asked, got[0]);
  });

  test("a list has the newest activity first, named members of states and the time left", async () => {
    const store = the.another({ keyPrefix: "list:", ttlSeconds: 1800 });
    await store.set("user-123", { state: "new_problem", current_attempt: 0, secret: "not asked for" });
    await store.addMessage("default", { role: "user", content: "Title of it" });
    await store.set("third", { state: "done" });
    const { sessions, count, nextCursor } = await store.list({ fields: ["state", "current_attempt"] });
    assert.deepEqual([count, nextCursor], [3, undefined]);
    const seen = Object.fromEntries(sessions.map(({ id, state }) => [id, state]));
    assert.deepEqual(seen, {
      "user-123": { state: "new_problem", current_attempt: 0 },
      default: undefined,
      third: { state: "done" },
    });
    for (const { ttlSeconds } of sessions) assert.ok(ttlSeconds > 1790 && ttlSeconds <= 1800, `${ttlSeconds}`);
    assert.deepEqual(
      (await store.list({ search: "TITLE" })).sessions.map(({ id }) => id),
      ["default"],
    );
    await store.addMessage("accents", { role: "user", content: "Café in ŁÓDŹ".normalize("NFD") });
    for (const search of ["café", "cafe\u0301", "CAFE", "lodz"]) {
      const found = await store.list({ search });
      assert.deepEqual(
        found.sessions.map(({ id }) => id),
        ["accents"],
        search,
      );
    }
    await store.delete("accents");

    const pages = [];
    for (let cursor; ; ) {
      const page = await store.list({ limit: 2, cursor });
      pages.push(page.sessions.length);
      cursor = page.nextCursor;
      if (!cursor) break;
    }
    assert.deepEqual(pages, [2, 1]);
    await assert.rejects(store.list({ limit: 0 }), problem("invalid_parameter"));
    assert.equal(await store.deleteAll(), 3);
    assert.equal((await store.list()).count, 0);
  });

  test("messages are kept in order, a question with its answer together", async () => {
    assert.deepEqual(await the.store.getHistory("chat"), []);
    const first = await the.store.addMessage("chat", { role: "system", content: TEXT, metadata: { lang: "cs" } });
    assert.equal(first.created, true);
    const pair = await the.store.addMessage("chat", { question: "Why?", answer: "Because.", sources: [{ url: "u" }] });
    assert.deepEqual([pair.created, pair.session.messageCount, pair.messageIds.length], [false, 3, 2]);
    const history = await the.store.getHistory("chat");
    assert.deepEqual(
      history.map(({ role, content, parent, metadata }) => ({ role, content, parent, metadata })),
      [
        { role: "system", content: TEXT, parent: undefined, metadata: { lang: "cs" } },
        { role: "user", content: "Why?", parent: undefined, metadata: undefined },
        { role: "assistant", content: "Because.", parent: history[1].id, metadata: { sources: [{ url: "u" }] } },
      ],
    );
    assert.deepEqual(history.map(({ id }) => id).slice(1), pair.messageIds);
    assert.deepEqual(
      (await the.store.getHistory("chat", { limit: 1 })).map(({ content }) => content),
      ["Because."],
    );
    await assert.rejects(
      the.store.addMessage("chat", /** @type {any} */ ({ question: "no answer" })),
      problem("invalid_body"),
    );
    await assert.rejects(the.store.addMessage("chat", { question: " ", answer: "x" }), problem("message_empty"));
    assert.equal((await the.store.getHistory("chat")).length, 3);
  });

  test("a long history comes whole, and in pages", async () => {
    for (let at = 0; at < 600; at += 100) {
      const hundred = Array.from({ length: 100 }, (_, n) => ({
        role: /** @type {const} */ ("user"),
        content: `${at + n}`,
      }));
      await the.store.append("long", hundred);
    }
    const all = await the.store.getHistory("long");
    assert.deepEqual(
      all.map(({ content }) => content),
      Array.from({ length: 600 }, (_, n) => `${n}`),
    );
    const page = await the.store.history("long", { limit: 50 });
    assert.deepEqual([page.messages[0].content, page.totalMessages], ["550", 600]);
    const older = await the.store.history("long", { limit: 50, before: page.nextBefore });
    assert.equal(older.messages[0].content, "500");
    await assert.rejects(the.store.history("nowhere"), problem("session_not_found"));
  });

  test("a call with a key changes nothing when it is repeated", async () => {
    const pair = { question: "Once?", answer: "Once." };
    const one = await the.store.addMessage("keyed", pair, { key: "op-1" });
    const two = await the.store.addMessage("keyed", pair, { key: "op-1" });
    assert.deepEqual(two.messageIds, one.messageIds);
    assert.equal((await the.store.getHistory("keyed")).length, 2);
    await assert.rejects(
      the.store.addMessage("keyed", { ...pair, answer: "Twice." }, { key: "op-1" }),
      problem("turn_mismatch"),
    );
    assert.equal((await the.store.create({ key: "op-2" })).id, (await the.store.create({ key: "op-2" })).id);
    await the.store.set("keyed", 1, { key: "op-3" });
    await the.store.set("keyed", 2);
    await the.store.set("keyed", 1, { key: "op-3" });
    assert.equal(await the.store.get("keyed"), 2);
  });

  test("sessions are made, changed, cut and branched", async () => {
    const { id } = await the.store.create({ title: "Mine" });
    assert.match(id, /^sess_[0-9a-f]{32}$/);
    await assert.rejects(the.store.create({ id }), problem("session_exists"));
    const { messageIds } = await the.store.append(id, [
      { role: "user", content: "one", id: "m-1" },
      { role: "assistant", content: "two", parent: "m-1" },
      { role: "user", content: "three" },
    ]);
    assert.equal(messageIds[0], "m-1");
    const patched = await the.store.patch(id, { title: "Ours", pinned: true, metadata: { a: 1 } });
    assert.deepEqual(
      [patched.title, patched.pinned, patched.archived, patched.metadata],
      ["Ours", true, false, { a: 1 }],
    );
    assert.deepEqual((await the.store.info(id)).metadata, { a: 1 });
    const fork = await the.store.fork(id, { at: messageIds[1], title: "Branch" });
    assert.deepEqual([fork.messageCount, fork.title], [2, "Branch"]);
    assert.equal((await the.store.truncate(id, "m-1")).messageCount, 1);
    assert.equal((await the.store.truncate(id, "-")).messageCount, 0);
    assert.equal((await the.store.touch(id)).ttlSeconds, 3600);
    await assert.rejects(the.store.truncate(id, "nowhere"), problem("message_not_found"));
    for (const call of [
      () => the.store.info("nowhere"),
      () => the.store.patch("nowhere", { title: "x" }),
      () => the.store.touch("nowhere"),
      () => the.store.fork("nowhere"),
      () => the.store.restore("nowhere"),
      () => the.store.append("nowhere", [{ role: "user", content: "x" }], { existing: true }),
    ]) {
      await assert.rejects(call(), problem("session_not_found"));
    }
  });

  test("a state is written on conditions", async () => {
    assert.equal(await the.store.readState("condition"), null);
    await assert.rejects(the.store.writeState("condition", 1, { ifPresent: true }), problem("precondition_failed"));
    const first = await the.store.writeState("condition", { n: 1 }, { ifAbsent: true });
    assert.equal(first.created, true);
    await assert.rejects(the.store.writeState("condition", 2, { ifAbsent: true }), problem("precondition_failed"));
    const second = await the.store.writeState("condition", { n: 2 }, { ifTag: first.tag });
    await assert.rejects(the.store.writeState("condition", 3, { ifTag: first.tag }), problem("precondition_failed"));
    assert.deepEqual(await the.store.readState("condition"), { state: { n: 2 }, tag: second.tag });
    await assert.rejects(
      the.store.writeState("condition", 3, { ifTag: first.tag, ifPresent: true }),
      problem("invalid_precondition"),
    );
  });

  test("prefixes and owners never meet", async () => {
    const [prefix, owner] = [the.another({ keyPrefix: "elsewhere:" }), the.another({ owner: "u-ada" })];
    await the.store.set("apart", "mine");
    for (const other of [prefix, owner]) {
      assert.equal(await other.get("apart"), null);
      await other.set("apart", "theirs");
      await other.delete("apart");
    }
    assert.equal(await the.store.get("apart"), "mine");
  });

  test("health says how it is", async () => {
    const { latencyMs, ...health } = await the.store.getHealth();
    assert.deepEqual(health, { connected: the.kind !== "memory", usingFallback: false, store: the.kind, journaled: 0 });
    assert.equal(typeof latencyMs, "number");
  });

  test("a store that is closed refuses, and can be closed again", async () => {
    const store = the.another();
    await store.initialize();
    await store.initialize();
    await store.close();
    await store.close();
    await assert.rejects(store.get("x"), problem("disposed"));
  });
});
