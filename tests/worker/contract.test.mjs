// The contract of the HTTP API, the same on every store: docs/protocol.md, as a client sees it.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { assertProblem, eventually, ok } from "../harness/api.mjs";
import { deleteAll, onEachStore } from "../harness/stores.mjs";

const TTL = 604_800;
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const fresh = (name) => `${name}-${randomUUID()}`;

onEachStore("the contract", {}, (the) => {
  describe("chat", () => {
    test("without a session opens one", async () => {
      const answer = await the.api.say("Hello");
      assert.match(answer.session_id, /^sess_[0-9a-f]{32}$/);
      assert.match(answer.message_id, /^[0-9a-f]{32}$/);
      assert.equal(answer.reply_id, `r-${answer.message_id}`);
      assert.equal(answer.created, true);
      assert.equal("replayed" in answer, false);
      assert.match(answer.response, /Hello\s+.*first thing/);
      const { session } = answer;
      assert.equal(session.session_id, answer.session_id);
      assert.equal(session.title, "Hello");
      assert.deepEqual([session.message_count, session.total_messages], [2, 2]);
      for (const time of ["created_at", "updated_at", "expires_at"]) assert.match(session[time], RFC_3339);
      assert.notEqual((await the.api.say("Hello")).session_id, answer.session_id);
    });

    test("remembers on the second turn", async () => {
      const first = await the.api.say("My cat is called Mia");
      const second = await the.api.say("What is she called?", { session_id: first.session_id });
      assert.match(second.response, /My cat is called Mia/);
      assert.equal(second.session_id, first.session_id);
      assert.equal("created" in second, false);

      const info = ok(await the.api.info(first.session_id));
      assert.deepEqual([info.message_count, info.total_messages], [4, 4]);
      assert.equal(info.title, "My cat is called Mia");
      assert.ok(info.expires_in_seconds > TTL - 60 && info.expires_in_seconds <= TTL, `${info.expires_in_seconds}`);
      assert.ok(info.created_at < info.updated_at && info.updated_at < info.expires_at, JSON.stringify(info));
      assert.ok(info.revision > first.session.revision);
      assert.deepEqual({ ...info, expires_in_seconds: 0 }, { ...second.session, expires_in_seconds: 0 });
    });

    test("accepts null wherever it accepts absence", async () => {
      const nulls = { session_id: null, message_id: null, existing: null, metadata: null };
      const answer = await the.api.chat({ message: "Hello", ...nulls, stream: null, incognito: null, context: null });
      assert.equal(ok(answer).created, true);
      const created = await the.api.send("POST", "/v1/sessions", { session_id: null, title: null });
      assert.equal(created.status, 201);
      const history = await the.api.get(`/v1/sessions/${answer.body.session_id}/history`);
      for (const { text } of [answer, created, history]) assert.doesNotMatch(text, /null/);
    });

    test("takes the ids that a client minted", async () => {
      const [session_id, message_id] = [fresh("Client.minted:1_"), fresh("m")];
      const answer = await the.api.say("Hello", { session_id, message_id });
      assert.deepEqual(
        [answer.session_id, answer.message_id, answer.reply_id, answer.created],
        [session_id, message_id, `r-${message_id}`, true],
      );
      const { messages } = await the.api.history(session_id);
      assert.deepEqual(
        messages.map(({ id, role, parent }) => [id, role, parent]),
        [
          [message_id, "user", undefined],
          [`r-${message_id}`, "assistant", message_id],
        ],
      );
    });

    test("makes replies for turn ids of any length", async () => {
      const ids = ["x", "y"].map((end) => randomUUID().padEnd(127, "z") + end);
      const session_id = fresh("long");
      const replies = [];
      for (const message_id of ids) replies.push((await the.api.say("Hello", { session_id, message_id })).reply_id);
      assert.equal(new Set(replies).size, 2);
      for (const id of replies) assert.match(id, /^r-.{1,126}$/);
    });

    test("creates nothing for a session said to exist", async () => {
      const session_id = fresh("absent");
      const refused = await the.api.chat({ message: "Hello", session_id, message_id: "m1", existing: true });
      const problem = assertProblem(refused, 404, "session_not_found");
      assert.deepEqual([problem.session_id, problem.message_id], [session_id, "m1"]);
      assertProblem(await the.api.info(session_id), 404, "session_not_found");
      await the.api.say("Hello", { session_id });
      await the.api.say("Hello again", { session_id, existing: true });
      assert.equal(ok(await the.api.info(session_id)).message_count, 4);
    });

    test("keeps the values of metadata as they were sent, written compactly", async () => {
      const session_id = fresh("metadata");
      const metadata = '{"n":12345678901234567890, "a":[1.50,null],"ž":"\\u0000"}';
      ok(await the.api.send("POST", "/v1/chat", `{"message":"m","session_id":"${session_id}","metadata":${metadata}}`));
      const { text } = await the.api.get(`/v1/sessions/${session_id}/history`);
      assert.ok(text.includes(`"metadata":${metadata.replace(", ", ",")}`), text);
    });
  });

  describe("create", () => {
    const create = (body, headers) => the.api.send("POST", "/v1/sessions", body, headers);

    test("gives an empty session, listed at once", async () => {
      const created = await create({ title: "Plán výletu" });
      assert.equal(created.status, 201);
      const { session_id } = created.body;
      assert.match(session_id, /^sess_[0-9a-f]{32}$/);
      assert.equal(created.headers.get("location"), `/v1/sessions/${session_id}`);
      assert.deepEqual([created.body.message_count, created.body.title], [0, "Plán výletu"]);
      const [newest] = (await the.api.list()).sessions;
      assert.deepEqual([newest.session_id, newest.message_count, newest.title], [session_id, 0, "Plán výletu"]);
      assert.deepEqual((await the.api.history(session_id)).messages, []);
      const turn = await the.api.say("Hello", { session_id, existing: true });
      assert.deepEqual([turn.session.title, turn.session.message_count], ["Plán výletu", 2]);
    });

    test("needs no body", async () => {
      const created = await create();
      assert.equal(created.status, 201);
      assert.equal("title" in created.body, false);
      const turn = await the.api.say("Named by this", { session_id: created.body.session_id });
      assert.equal(turn.session.title, "Named by this");
    });

    test("refuses an id that is taken", async () => {
      const session_id = fresh("taken");
      assert.equal((await create({ session_id })).body.session_id, session_id);
      assertProblem(await create({ session_id }), 409, "session_exists");
      const used = await the.api.say("Hello");
      assertProblem(await create({ session_id: used.session_id }), 409, "session_exists");
    });

    test("is the same when it is repeated with its key", async () => {
      const key = { "idempotency-key": `"${fresh("key")}"` };
      const first = await create({ title: "Once" }, key);
      const again = await create({ title: "Once" }, key);
      assert.deepEqual([first.status, again.status], [201, 201]);
      assert.equal(again.body.session_id, first.body.session_id);
      assert.equal(again.headers.get("location"), first.headers.get("location"));
      const other = await create({ title: "Once" }, { "idempotency-key": fresh("key") });
      assert.notEqual(other.body.session_id, first.body.session_id);
      const listed = (await the.api.list("?limit=200")).sessions.map((session) => session.session_id);
      assert.equal(listed.filter((id) => id === first.body.session_id).length, 1);
    });
  });

  describe("the list", () => {
    test("has the newest activity first", async () => {
      await deleteAll(the.api);
      assert.deepEqual(await the.api.list(), { sessions: [], count: 0 });
      const ids = [];
      for (const message of ["one", "two", "three"]) ids.push((await the.api.say(message)).session_id);
      const [one, two, three] = ids;
      const order = async () => (await the.api.list()).sessions.map((session) => session.session_id);
      assert.deepEqual(await order(), [three, two, one]);
      await the.api.say("one again", { session_id: one });
      assert.deepEqual(await order(), [one, three, two]);
      ok(await the.api.info(two));
      await the.api.history(two);
      assert.deepEqual(await order(), [one, three, two]);

      const { sessions, count } = await the.api.list();
      assert.equal(count, 3);
      const info = ok(await the.api.info(one));
      const { bytes, revision, expires_in_seconds, ...card } = info;
      assert.ok(Math.abs(sessions[0].expires_in_seconds - expires_in_seconds) < 60);
      assert.deepEqual({ ...sessions[0], expires_in_seconds: 0 }, { ...card, expires_in_seconds: 0 });
    });

    test("gives every session once, page by page", async () => {
      await deleteAll(the.api);
      // At once, so that some share their millisecond.
      const made = await Promise.all(Array.from({ length: 25 }, () => the.api.send("POST", "/v1/sessions")));
      const ids = made.map((answer) => ok(answer).session_id);
      for (const limit of [1, 4, 25]) {
        const seen = [];
        let query = `?limit=${limit}`;
        for (let pages = 0; query; pages += 1) {
          const page = await the.api.list(query);
          assert.equal(page.count, 25);
          assert.ok(page.sessions.length <= limit && page.sessions.length > 0);
          seen.push(...page.sessions);
          query = page.next_cursor && `?limit=${limit}&cursor=${encodeURIComponent(page.next_cursor)}`;
          assert.ok(pages < 26, "the pages don't end");
        }
        assert.deepEqual(seen.map((session) => session.session_id).sort(), [...ids].sort());
        const times = seen.map((session) => session.expires_at);
        assert.deepEqual(times, [...times].sort().reverse());
      }
    });
  });

  describe("the history", () => {
    test("comes in pages, the newest first, each oldest first", async () => {
      const session_id = fresh("pages");
      const texts = ["one", "two", "three", "four", "five"];
      for (const text of texts) await the.api.say(text, { session_id });
      const whole = await the.api.history(session_id);
      assert.deepEqual([whole.session_id, whole.message_count, whole.total_messages], [session_id, 10, 10]);
      assert.equal("next_before" in whole, false);
      const asked = whole.messages.filter((message) => message.role === "user");
      assert.deepEqual(
        asked.map((message) => message.content),
        texts,
      );
      for (const message of whole.messages) assert.match(message.created, RFC_3339);

      const pages = [];
      let query = "?limit=4";
      while (query) {
        const page = await the.api.history(session_id, query);
        pages.unshift(page.messages);
        query = page.next_before && `?limit=4&before=${page.next_before}`;
        assert.ok(pages.length < 6, "the pages don't end");
      }
      assert.deepEqual(
        pages.map((page) => page.length),
        [2, 4, 4],
      );
      assert.deepEqual(pages.flat(), whole.messages);
      assert.deepEqual((await the.api.history(session_id, "?before=0")).messages, []);
    });

    test("is not there for an unknown session", async () => {
      assertProblem(await the.api.get("/v1/sessions/unknown/history"), 404, "session_not_found");
      assertProblem(await the.api.get("/v1/sessions/unknown"), 404, "session_not_found");
    });
  });

  describe("delete", () => {
    test("takes the session away, and keeps late sends out", async () => {
      const { session_id } = await the.api.say("Hello");
      const { count } = await the.api.list();
      assert.deepEqual(ok(await the.api.delete(session_id)), { session_id, deleted: true });
      assertProblem(await the.api.info(session_id), 404, "session_not_found");
      assertProblem(await the.api.get(`/v1/sessions/${session_id}/history`), 404, "session_not_found");
      const list = await the.api.list("?limit=200");
      assert.equal(list.count, count - 1);
      assert.ok(list.sessions.every((session) => session.session_id !== session_id));

      assertProblem(await the.api.chat({ message: "Late", session_id }), 410, "session_deleted");
      const late = { message: "Late", session_id, existing: true };
      assertProblem(await the.api.chat(late), 410, "session_deleted");
      const create = await the.api.send("POST", "/v1/sessions", { session_id });
      assertProblem(create, 410, "session_deleted");
      assert.deepEqual(ok(await the.api.delete(session_id)), { session_id, deleted: true });
      assert.equal((await the.api.list()).count, count - 1);
    });

    test("doesn't know an unknown one", async () => {
      assertProblem(await the.api.delete(fresh("unknown")), 404, "session_not_found");
    });
  });

  describe("a repeated turn", () => {
    test("gets the stored reply", async () => {
      const turn = { message: "Hello", session_id: fresh("replay"), message_id: fresh("m") };
      const first = ok(await the.api.chat(turn));
      await the.api.say("Something else", { session_id: turn.session_id });
      for (const existing of [undefined, true]) {
        const again = ok(await the.api.chat({ ...turn, existing }));
        assert.equal(again.replayed, true);
        assert.equal("created" in again, false);
        for (const same of ["response", "session_id", "message_id", "reply_id"]) assert.equal(again[same], first[same]);
        assert.equal(again.session.message_count, 4);
      }
      assert.equal((await the.api.texts(turn.session_id)).length, 4);
    });

    test("is refused with another payload", async () => {
      const turn = { message: "Hello", session_id: fresh("mismatch"), message_id: fresh("m") };
      ok(await the.api.chat(turn));
      for (const other of [{ message: "Hello!" }, { metadata: { a: 1 } }]) {
        const refused = await the.api.chat({ ...turn, ...other });
        const problem = assertProblem(refused, 422, "turn_mismatch");
        assert.deepEqual([problem.session_id, problem.message_id], [turn.session_id, turn.message_id]);
      }
      assert.equal((await the.api.texts(turn.session_id)).length, 2);
    });

    test("is another turn in another session", async () => {
      const turn = { message: "Hello", message_id: fresh("m") };
      for (const session_id of [fresh("one"), fresh("other")]) {
        assert.equal("replayed" in ok(await the.api.chat({ ...turn, session_id })), false);
        assert.equal((await the.api.texts(session_id)).length, 2);
      }
    });

    test("may be named by a key, without ids in the body", async () => {
      const key = fresh("key");
      const first = ok(await the.api.chat({ message: "Hello" }, { "idempotency-key": `"${key}"` }));
      const again = ok(await the.api.chat({ message: "Hello" }, { "idempotency-key": key }));
      assert.equal(first.reply_id, `r-${key}`);
      assert.equal(again.replayed, true);
      for (const same of ["response", "session_id", "message_id", "reply_id"]) assert.equal(again[same], first[same]);
      const refused = await the.api.chat({ message: "Other" }, { "idempotency-key": key });
      assertProblem(refused, 422, "turn_mismatch");
    });

    test("is stored once when it is sent twenty times at once", async () => {
      const turn = { message: "Once", session_id: fresh("twenty"), message_id: fresh("m") };
      const answers = await Promise.all(Array.from({ length: 20 }, () => the.api.chat(turn)));
      const good = answers.filter((answer) => answer.status === 200);
      assert.ok(good.length > 0);
      for (const answer of answers) {
        if (answer.status === 200) continue;
        const problem = assertProblem(answer, 409, "turn_in_progress");
        assert.equal(problem.retryable, true);
        assert.match(answer.headers.get("retry-after") ?? "", /^[1-9]/);
      }
      assert.equal(new Set(good.map((answer) => answer.body.response)).size, 1);
      assert.equal(good.filter((answer) => !answer.body.replayed).length, 1);
      const { messages } = await the.api.history(turn.session_id);
      assert.deepEqual(
        messages.map((message) => message.id),
        [turn.message_id, `r-${turn.message_id}`],
      );
      assert.equal(ok(await the.api.info(turn.session_id)).total_messages, 2);
    });
  });

  test("fifty turns at once into one session are all stored, once", async () => {
    const session_id = fresh("fifty");
    const ids = Array.from({ length: 50 }, (_, number) => `m${number}`);
    // A store that is slow for a moment may answer 503: what can be retried is, under the same id.
    const turn = async (message_id) => {
      const message = `Text of ${message_id}`;
      for (let attempt = 0; ; attempt += 1) {
        const answer = await the.api.chat({ message, session_id, message_id });
        if (answer.status === 200) return;
        assert.ok(answer.body?.retryable && attempt < 20, answer.text);
      }
    };
    await Promise.all(ids.map(turn));

    // On a machine that has too much to do the journal takes some of them, and Redis gets those a moment later.
    const { messages, message_count, total_messages } = await eventually(
      () => the.api.history(session_id, "?limit=500"),
      (page) => page.total_messages >= 100,
    );
    assert.deepEqual([messages.length, message_count, total_messages], [100, 100, 100]);
    const asked = messages.filter((message) => message.role === "user");
    assert.deepEqual(asked.map((message) => message.id).sort(), [...ids].sort());
    for (const message of asked) assert.equal(message.content, `Text of ${message.id}`);
    const replies = messages.filter((message) => message.role === "assistant");
    assert.deepEqual(replies.map((message) => message.parent).sort(), [...ids].sort());
    const place = new Map(messages.map((message, position) => [message.id, position]));
    for (const { id, parent } of replies) assert.ok(place.get(parent) < place.get(id), `${id} before its question`);
    const [card] = (await the.api.list("?limit=1")).sessions;
    assert.deepEqual([card.session_id, card.message_count], [session_id, 100]);
  });

  describe("texts come back byte for byte", () => {
    const every_control = Array.from({ length: 0x20 }, (_, code) => String.fromCharCode(code)).join("");
    const texts = {
      Czech: "Příliš žluťoučký kůň úpěl ďábelské ódy",
      Vietnamese: "Tiếng Việt: Xin chào, tôi là người Việt Nam",
      "Vietnamese, decomposed": "Tiếng Việt: Xin chào".normalize("NFD"),
      Portuguese: "Ação, coração, pão de açúcar; avó e avô",
      "Arabic and Hebrew": "مرحبا \u200fשלום\u200e",
      Chinese: "漢字和简体字，𠮷野家",
      emoji: "👩‍👩‍👧‍👦 🇨🇿 👍🏽 🏴‍☠️ ❤️",
      "quotes and backslashes": `"quoted" 'single' \\ \\n \\u0041 \\" </script> {"id":"x"} %s $1 ]]`,
      "white space": "  \t two lines\r\n\r\nand a tail \u00a0\u2028\u2029 ",
      "control characters": `a${every_control}\u007f\u0085z`,
      "the edges of Unicode": "\ufeff\ufffd\uffff\u{10ffff}",
      "numbers that are text": "0.1 1e400 -0 00012 9007199254740993 nan",
    };
    for (const [name, text] of Object.entries(texts)) {
      test(name, async () => {
        const { session_id, response } = await the.api.say(text, { metadata: { text } });
        assert.ok(response.includes(text), JSON.stringify(response));
        const { messages } = await the.api.history(session_id);
        assert.equal(messages[0].content, text);
        assert.equal(messages[1].content, response);
        assert.deepEqual(messages[0].metadata, { text });
      });
    }

    test("the longest message", async () => {
      const text = "ž".repeat(131_000) + "x".repeat(144);
      assert.equal(Buffer.byteLength(text), 262_144);
      const { session_id } = await the.api.say(text);
      assert.equal((await the.api.texts(session_id))[0], text);
    });
  });
});
