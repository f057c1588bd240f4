// What can be done with sessions beside turns, the same on every store: docs/protocol.md, as a client sees it.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertProblem, eventually, ok } from "../harness/api.mjs";
import { fresh, ids, keyed, sessionsOf, still } from "../harness/sessions.mjs";
import { deleteAll, onEachStore } from "../harness/stores.mjs";

const CAP = 6;

onEachStore("operations", { MAX_MESSAGES_PER_SESSION: `${CAP}` }, (the) => {
  const { append, filled, messageIds, patch, post } = sessionsOf(the);

  describe("patch", () => {
    test("sets what it names, and info and list show it", async () => {
      const { id, session } = await filled("patch", 1);
      const metadata = { topic: "výlet", n: 1 };
      const patched = ok(await patch(id, { title: "Plán", pinned: true, archived: true, metadata }));
      assert.deepEqual(
        [patched.title, patched.pinned, patched.archived, patched.metadata],
        ["Plán", true, true, metadata],
      );
      assert.ok(patched.revision > session.revision);
      assert.equal(patched.message_count, 1);
      assert.deepEqual(still(ok(await the.api.info(id))), still(patched));
      const card = (await the.api.list("?limit=200")).sessions.find((one) => one.session_id === id);
      const { bytes, revision, metadata: _, ...shown } = still(patched);
      assert.deepEqual(still(card), shown);
    });

    test("leaves what is absent or null, and removes what is empty", async () => {
      const { id } = await filled("patch", 1);
      ok(await patch(id, { title: "Plán", pinned: true, archived: true, metadata: { a: 1 } }));
      for (const body of [{}, { title: null, pinned: null, archived: null, metadata: null }]) {
        const { title, pinned, archived, metadata } = ok(await patch(id, body));
        assert.deepEqual([title, pinned, archived, metadata], ["Plán", true, true, { a: 1 }]);
      }
      const one = ok(await patch(id, { pinned: false }));
      assert.deepEqual([one.title, "pinned" in one, one.archived, one.metadata], ["Plán", false, true, { a: 1 }]);
      ok(await patch(id, { title: "", archived: false, metadata: {} }));
      const info = ok(await the.api.info(id));
      for (const name of ["title", "pinned", "archived", "metadata"]) assert.equal(name in info, false, name);
      const card = (await the.api.list("?limit=200")).sessions.find((each) => each.session_id === id);
      for (const name of ["title", "pinned", "archived"]) assert.equal(name in card, false, name);
    });

    test("repeated under its key after a later patch doesn't revert that", async () => {
      const { id } = await filled("patch", 1);
      const key = keyed(fresh("key"));
      assert.equal(ok(await patch(id, { title: "First" }, key)).title, "First");
      const later = ok(await patch(id, { title: "Second", pinned: true }));
      const again = ok(await patch(id, { title: "First" }, key));
      assert.deepEqual(still(again), still(later));
      assert.deepEqual(still(ok(await the.api.info(id))), still(later));
    });

    test("takes a title of 200 characters, and no more; metadata to the limit", async () => {
      const { id } = await filled("patch", 1);
      assert.equal(ok(await patch(id, { title: "ž".repeat(200) })).title, "ž".repeat(200));
      assertProblem(await patch(id, { title: "ž".repeat(201) }), 413, "title_too_long");
      assertProblem(await patch(id, { metadata: { a: "x".repeat(16_384) } }), 413, "metadata_too_large");
      assertProblem(await patch(id, { metadata: [] }), 400, "invalid_body");
      assertProblem(await patch(id, { pinned: "yes" }), 400, "invalid_body");
      assert.equal(ok(await the.api.info(id)).title, "ž".repeat(200));
    });

    test("creates nothing", async () => {
      const id = fresh("absent");
      assertProblem(await patch(id, { title: "Plán" }), 404, "session_not_found");
      assertProblem(await the.api.info(id), 404, "session_not_found");
    });
  });

  test("touch slides the time and changes nothing else of the content", async () => {
    const { id, session } = await filled("touch", 2);
    const touched = await eventually(
      async () => ok(await post(id, "touch")),
      ({ expires_at }) => expires_at > session.expires_at,
    );
    const info = ok(await the.api.info(id));
    assert.equal(info.expires_at, touched.expires_at);
    assert.deepEqual([info.title, info.message_count, info.created_at], [session.title, 2, session.created_at]);
    assert.deepEqual(await the.api.texts(id), ["text 0", "text 1"]);
    assertProblem(await post(fresh("absent"), "touch"), 404, "session_not_found");
  });

  describe("search", () => {
    test("finds titles whatever their case and their accents", async () => {
      await deleteAll(the.api);
      const titles = { a: "Žluťoučký Kůň", b: "Plán výletu", c: "PLÁN B", d: "plain 100%" };
      for (const [name, title] of Object.entries(titles)) {
        ok(await the.api.send("POST", "/v1/sessions", { session_id: `${name}-${fresh("q")}`, title }));
      }
      const found = async (q) => {
        const list = await the.api.list(`?q=${encodeURIComponent(q)}`);
        assert.equal("truncated" in list, false);
        return ids(list)
          .map((id) => id[0])
          .sort()
          .join("");
      };
      assert.equal(await found("žluť"), "a");
      assert.equal(await found("ŽLUŤOUČKÝ kůň"), "a");
      assert.equal(await found("plán"), "bc");
      assert.equal(await found("PLÁN"), "bc");
      assert.equal(await found("plan"), "bc");
      assert.equal(await found("100%"), "d");
      assert.equal(await found("_"), "");
      assert.equal(await found("*"), "");
      assert.equal(ids(await the.api.list("?q=pl%C3%A1n&limit=1")).length, 1);
    });
  });

  describe("fields", () => {
    test("gives the named members of the states, as they were written", async () => {
      await deleteAll(the.api);
      const put = async (id, state) => ok(await the.api.send("PUT", `/v1/sessions/${id}/state`, state));
      const [some, other, array, none] = ["some", "other", "array", "none"].map(fresh);
      await put(some, '{"step":1.0,"plan":{"n":9007199254740993},"secret":"s"}');
      await put(other, '{"elsewhere":true}');
      await put(array, "[1,2]");
      ok(await the.api.send("POST", "/v1/sessions", { session_id: none }));

      const answer = await the.api.get("/v1/sessions?fields=step,plan,unknown");
      assert.match(answer.text, /"step":1\.0[,}]/);
      assert.match(answer.text, /"plan":\{"n":9007199254740993\}/);
      assert.doesNotMatch(answer.text, /secret|elsewhere/);
      const states = Object.fromEntries(ok(answer).sessions.map((one) => [one.session_id, one.state ?? {}]));
      assert.deepEqual(Object.keys(states[some]).sort(), ["plan", "step"]);
      for (const id of [other, array, none]) assert.deepEqual(states[id], {});
      for (const session of (await the.api.list()).sessions) assert.equal("state" in session, false);
    });

    test("names at most 16", async () => {
      const names = (count) => Array.from({ length: count }, (_, number) => `f${number}`).join(",");
      ok(await the.api.get(`/v1/sessions?fields=${names(16)}`));
      assertProblem(await the.api.get(`/v1/sessions?fields=${names(17)}`), 400, "invalid_parameter");
    });
  });

  describe("append", () => {
    test("repeated under its first message's id names the ids that are stored", async () => {
      const id = fresh("append");
      const messages = [
        { role: "user", content: "one", id: "first" },
        { role: "assistant", content: "two" },
      ];
      const once = ok(await post(id, "messages", { messages }));
      const again = ok(await post(id, "messages", { messages }));
      assert.deepEqual(again.message_ids, once.message_ids);
      assert.deepEqual(await messageIds(id), again.message_ids);
    });

    test("stores all of the messages, in order, with what they bring", async () => {
      const id = fresh("append");
      const messages = [
        { role: "system", content: "Be brief", id: "s1" },
        { role: "user", content: "Příliš žluťoučký kůň", metadata: { a: 1 } },
        { role: "assistant", content: "Ano", parent: "s1" },
      ];
      const answer = ok(await post(id, "messages", { messages }));
      assert.equal(answer.created, true);
      assert.equal(answer.message_ids.length, 3);
      assert.equal(answer.message_ids[0], "s1");
      // They follow from the id that the request is known by.
      for (const minted of answer.message_ids.slice(1)) assert.match(minted, /^k-[0-9a-f]{16}-[12]$/);
      assert.deepEqual([answer.session.session_id, answer.session.message_count], [id, 3]);
      const stored = (await the.api.history(id)).messages;
      assert.deepEqual(
        stored.map((message) => message.id),
        answer.message_ids,
      );
      const shape = ({ role, content, parent, metadata }) => ({ role, content, parent, metadata });
      assert.deepEqual(stored.map(shape), messages.map(shape));
      const more = ok(await append(id, ["More"]));
      assert.equal("created" in more, false);
      assert.deepEqual([more.session.message_count, more.session.total_messages], [4, 4]);
    });

    for (const [how, headers, brought] of [
      ["its key", keyed("append-key"), [{}, {}]],
      ["its first message's id", {}, [{ id: "first" }, { id: "second" }]],
    ]) {
      test(`repeated under ${how} changes nothing; with another payload it is refused`, async () => {
        const id = fresh("append");
        const messages = [
          { role: "user", content: "one", ...brought[0] },
          { role: "assistant", content: "two", ...brought[1] },
        ];
        const once = ok(await post(id, "messages", { messages }, headers));
        ok(await append(id, ["later"]));
        const info = still(ok(await the.api.info(id)));
        const again = ok(await post(id, "messages", { messages }, headers));
        assert.deepEqual(again.message_ids, once.message_ids);
        assert.equal("created" in again, false);
        const other = [messages[0], { ...messages[1], content: "other" }];
        assertProblem(await post(id, "messages", { messages: other }, headers), 422, "turn_mismatch");
        assertProblem(await post(id, "messages", { messages: [messages[0]] }, headers), 422, "turn_mismatch");
        assert.deepEqual(still(ok(await the.api.info(id))), info);
        assert.deepEqual(await the.api.texts(id), ["one", "two", "later"]);
      });
    }

    test("drops the oldest at the cap, and counts all", async () => {
      const { id } = await filled("cap", CAP);
      const { session } = ok(await append(id, ["a", "b"]));
      assert.deepEqual([session.message_count, session.total_messages], [CAP, CAP + 2]);
      assert.deepEqual(await the.api.texts(id), ["text 2", "text 3", "text 4", "text 5", "a", "b"]);
      const { message_count, total_messages } = await the.api.history(id);
      assert.deepEqual([message_count, total_messages], [CAP, CAP + 2]);
    });

    test("creates nothing in a session said to exist, or when one message is bad", async () => {
      const id = fresh("absent");
      const good = { role: "user", content: "good" };
      const existing = await post(id, "messages", { messages: [good], existing: true });
      assertProblem(existing, 404, "session_not_found");
      for (const bad of [{ role: "user", content: "" }, { role: "robot", content: "a" }, { role: "user" }, 5]) {
        const { status, text } = await post(id, "messages", { messages: [good, bad] });
        assert.equal(status, 400, text);
      }
      assert.equal((await post(id, "messages", { messages: [] })).status, 400);
      const many = Array.from({ length: 101 }, () => good);
      assert.equal((await post(id, "messages", { messages: many })).status, 400);
      assertProblem(await the.api.info(id), 404, "session_not_found");
    });

    test("with `message` it is a turn", async () => {
      const id = fresh("turn");
      const turn = ok(await post(id, "messages", { message: "Hello", message_id: "m1" }));
      assert.deepEqual([turn.session_id, turn.reply_id, turn.created], [id, "r-m1", true]);
      assert.deepEqual(await messageIds(id), ["m1", "r-m1"]);
    });
  });

  describe("an edit", () => {
    test("takes away what comes after a message, in the same step", async () => {
      const { id } = await filled("edit", 4);
      const answer = await the.api.say("Instead", { session_id: id, message_id: "e1", cut_after: "m1" });
      assert.deepEqual(await messageIds(id), ["m0", "m1", "e1", "r-e1"]);
      assert.deepEqual([answer.session.message_count, answer.session.total_messages], [4, 6]);
      const again = await the.api.say("Instead", { session_id: id, message_id: "e1", cut_after: "m1" });
      assert.equal(again.replayed, true);
      assert.deepEqual(await messageIds(id), ["m0", "m1", "e1", "r-e1"]);
    });

    test("of the first message takes all away", async () => {
      const { id } = await filled("edit", 3);
      await the.api.say("Anew", { session_id: id, message_id: "e1", cut_after: "-" });
      assert.deepEqual(await messageIds(id), ["e1", "r-e1"]);
    });

    test("after an unknown message changes nothing", async () => {
      const { id, session } = await filled("edit", 3);
      const refused = await the.api.chat({ message: "Instead", session_id: id, cut_after: "unknown" });
      assertProblem(refused, 404, "message_not_found");
      assert.deepEqual(await messageIds(id), ["m0", "m1", "m2"]);
      assert.equal(ok(await the.api.info(id)).revision, session.revision);
    });
  });

  describe("truncate", () => {
    test("removes the messages after one, or all", async () => {
      const { id } = await filled("truncate", 5);
      const cut = ok(await post(id, "truncate", { after: "m2" }));
      assert.deepEqual([cut.message_count, cut.total_messages], [3, 5]);
      assert.deepEqual(await messageIds(id), ["m0", "m1", "m2"]);
      const card = (await the.api.list("?limit=200")).sessions.find((one) => one.session_id === id);
      assert.equal(card.message_count, 3);
      assertProblem(await post(id, "truncate", { after: "m4" }), 404, "message_not_found");
      assert.equal(ok(await post(id, "truncate", { after: "-" })).message_count, 0);
      assert.deepEqual(await messageIds(id), []);
      ok(await append(id, ["goes on"]));
      assert.deepEqual(await the.api.texts(id), ["goes on"]);
    });

    test("repeated under its key spares what came later", async () => {
      const { id } = await filled("truncate", 3);
      const key = keyed(fresh("key"));
      ok(await post(id, "truncate", { after: "m0" }, key));
      ok(await append(id, ["later"]));
      assert.equal(ok(await post(id, "truncate", { after: "m0" }, key)).message_count, 2);
      assert.deepEqual(await the.api.texts(id), ["text 0", "later"]);
    });

    test("needs a session and a message", async () => {
      const { id } = await filled("truncate", 1);
      assertProblem(await post(fresh("absent"), "truncate", { after: "-" }), 404, "session_not_found");
      assertProblem(await post(id, "truncate", {}), 400, "invalid_body");
      assertProblem(await post(id, "truncate", { after: "a b" }), 400, "invalid_message_id");
    });
  });

  describe("fork", () => {
    const prepared = async () => {
      const { id } = await filled("source", 4);
      ok(await patch(id, { title: "Source", metadata: { a: 1 }, pinned: true }));
      ok(await the.api.send("PUT", `/v1/sessions/${id}/state`, '{"n":1.0}'));
      return id;
    };

    test("takes the messages up to one, the state and the metadata", async () => {
      const source = await prepared();
      const before = still(ok(await the.api.info(source)));
      const target = fresh("target");
      const forked = await post(source, "fork", { at: "m1", session_id: target, title: "Branch" });
      assert.equal(forked.status, 201);
      assert.equal(forked.headers.get("location"), `/v1/sessions/${target}`);
      assert.deepEqual(
        [forked.body.session_id, forked.body.title, forked.body.message_count, forked.body.total_messages],
        [target, "Branch", 2, 2],
      );
      assert.deepEqual(await messageIds(target), ["m0", "m1"]);
      assert.deepEqual(ok(await the.api.info(target)).metadata, { a: 1 });
      assert.equal((await the.api.get(`/v1/sessions/${target}/state`)).text, '{"n":1.0}');
      assert.ok(ids(await the.api.list("?limit=200")).includes(target));

      ok(await append(target, ["only here"]));
      assert.deepEqual(await messageIds(source), ["m0", "m1", "m2", "m3"]);
      assert.deepEqual(still(ok(await the.api.info(source))), before);
    });

    test("without `at` takes all, under a minted id and the old title", async () => {
      const source = await prepared();
      for (const body of [undefined, {}]) {
        const forked = await post(source, "fork", body);
        assert.equal(forked.status, 201, forked.text);
        assert.match(forked.body.session_id, /^sess_[0-9a-f]{32}$/);
        assert.deepEqual([forked.body.title, forked.body.message_count], ["Source", 4]);
        assert.deepEqual(await messageIds(forked.body.session_id), ["m0", "m1", "m2", "m3"]);
      }
    });

    test("of a session that has dropped messages has those that are kept", async () => {
      const { id } = await filled("source", CAP);
      ok(await append(id, ["a", "b"]));
      const { body } = await post(id, "fork", { at: "m4" });
      assert.deepEqual(await messageIds(body.session_id), ["m2", "m3", "m4"]);
      assert.deepEqual([body.message_count, body.total_messages], [3, 3]);
      ok(await append(body.session_id, ["c", "d", "e", "f"]));
      assert.deepEqual(await the.api.texts(body.session_id), ["text 3", "text 4", "c", "d", "e", "f"]);
    });

    test("repeated under its key makes one session", async () => {
      const source = await prepared();
      const { count } = await the.api.list();
      const key = keyed(fresh("key"));
      const first = ok(await post(source, "fork", {}, key));
      const again = await post(source, "fork", {}, key);
      assert.deepEqual([again.status, again.body.session_id], [201, first.session_id]);
      assert.equal((await the.api.list()).count, count + 1);
    });

    test("is refused onto a session that is there, a deleted one, and at an unknown message", async () => {
      const source = await prepared();
      const { id: taken } = await filled("taken", 1);
      assertProblem(await post(source, "fork", { session_id: taken }), 409, "session_exists");
      assertProblem(await post(source, "fork", { session_id: source }), 409, "session_exists");
      assert.deepEqual(await the.api.texts(taken), ["text 0"]);
      ok(await the.api.delete(taken));
      assertProblem(await post(source, "fork", { session_id: taken }), 410, "session_deleted");
      const target = fresh("target");
      assertProblem(await post(source, "fork", { session_id: target, at: "m9" }), 404, "message_not_found");
      assertProblem(await the.api.info(target), 404, "session_not_found");
      assertProblem(await post(fresh("absent"), "fork", {}), 404, "session_not_found");
    });
  });
});
