// Export and import, and a session that is larger than any one request.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Api, assertProblem, ok } from "../harness/api.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { startRedis } from "../harness/redis.mjs";
import { deleteAll, onEachStore, onRedis } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

/** @param {{worker: {url: string}}} the the lines of an export, as text */
async function exported(the, path = "/v1/export") {
  const response = await fetch(the.worker.url + path);
  assert.equal(response.headers.get("content-type"), "application/x-ndjson");
  assert.equal(response.status, 200);
  return (await response.text()).trimEnd().split("\n");
}

const parsed = (lines) => lines.map((line) => JSON.parse(line));

onEachStore("transfer", { UNDO_SECONDS: "0", MAX_MESSAGES_PER_SESSION: "5000" }, (the) => {
  const bring = async (text) => the.api.send("POST", "/v1/import", text);

  test("what was exported comes back as it was, however often it is imported", async () => {
    await deleteAll(the.api);
    await the.api.say("Příliš žluťoučký kůň 🐎", { session_id: "one", message_id: "m1", metadata: { n: 1 } });
    await the.api.say("Xin chào", { session_id: "two", message_id: "m2" });
    ok(await the.api.send("PATCH", "/v1/sessions/one", { title: "Kůň", pinned: true, metadata: { a: [1] } }));
    ok(await the.api.send("PUT", "/v1/sessions/one/state", '{"x":1.0,"big":9007199254740993}'));

    const lines = await exported(the);
    assert.deepEqual(parsed(lines).at(-1), { end: { sessions: 2, messages: 4 } });
    assert.ok(lines.some((line) => line.includes('"state":{"x":1.0,"big":9007199254740993}')));
    const one = await exported(the, "/v1/sessions/one/export");
    assert.deepEqual(parsed(one).at(-1), { end: { sessions: 1, messages: 2 } });
    assert.deepEqual(
      one.slice(0, -1),
      lines.filter((line) => line.includes('"session_id":"one"')),
    );

    ok(await the.api.send("DELETE", "/v1/sessions"));
    assert.equal((await the.api.list()).count, 0);
    for (let time = 0; time < 3; time += 1) {
      assert.deepEqual(ok(await bring(lines.join("\n"))), { sessions: 2, messages: 4, skipped: [] });
    }
    assert.deepEqual((await exported(the)).sort(), [...lines].sort());
    assert.equal(ok(await the.api.info("one")).title, "Kůň");
  });

  test("a session that has other messages in these places is left as it is", async () => {
    await the.api.say("Mine", { session_id: "mine", message_id: "a" });
    const [session, first] = await exported(the, "/v1/sessions/mine/export");
    const other = first.replaceAll('"a"', '"b"');
    assert.deepEqual(ok(await bring(`${session}\n${other}\n`)).skipped, ["mine"]);
    assert.equal((await the.api.history("mine")).messages[0].id, "a");
  });

  test("a line that is wrong is named, and the rest comes in", async () => {
    const session = (id) => `{"session":{"session_id":"${id}","created_ms":1,"updated_ms":1}}`;
    const stored = (id, more = "") =>
      `{"id":"${id}","role":"user","content":"x","created":"2026-01-01T00:00:00.000Z"${more}}`;
    const line = (id, position, message) =>
      `{"message":{"session_id":"${id}","position":${position},"message":${message}}}`;
    for (const [number, [wrong, code]] of [
      ["{", "invalid_json"],
      ['{"session":{}}', "invalid_body"],
      [line("ID", 1, '{"role":"user"}'), "invalid_body"],
      [line("ID", 1, stored("m1", ',"status":"weird"')), "invalid_body"],
      [line("ID", 1, stored("m1", ',"sealed":"k1.AAAA"').replace('"x"', '""')), "message_empty"],
    ].entries()) {
      const id = `partly-${number}`;
      const lines = [session(id), line(id, 0, stored("m0")), wrong.replace("ID", id), line(id, 2, stored("m2"))];
      for (const path of ["/v1/import", "/v1/admin/import"]) {
        const dry = ok(await the.api.send("POST", `${path}?dry_run=true`, lines.join("\n")));
        const answer = ok(await the.api.send("POST", path, lines.join("\n")));
        assert.deepEqual(answer, dry, "what a dry run says");
        assert.deepEqual([answer.sessions, answer.messages, answer.failed_count], [1, 2, 1]);
        assert.deepEqual(
          answer.failed.map((failed) => [failed.line, failed.code]),
          [[3, code]],
        );
      }
      const { messages } = await the.api.history(id);
      assert.deepEqual(
        messages.map((message) => message.id),
        ["m0", "m2"],
      );
      // The session is as any other.
      await the.api.say("go on", { session_id: id, existing: true });
      ok(await the.api.get(`/v1/ai/chat/${id}/messages`));
      // Alone such a line is refused.
      const problem = assertProblem(await bring(`\n${wrong.replace("ID", id)}`), 400, code);
      assert.match(problem.detail, /^in line 2/);
    }
    assert.equal(ok(await the.api.get("/health")).status, "healthy");
  });

  test("a dry run says what would come of it, and stores nothing", async () => {
    await deleteAll(the.api);
    const messages = Array.from({ length: 300 }, (_, number) => ({ id: `m${number}`, role: "user", content: "x" }));
    for (let from = 0; from < 300; from += 100) {
      ok(await the.api.send("POST", "/v1/sessions/dry/messages", { messages: messages.slice(from, from + 100) }));
    }
    await the.api.say("Mine", { session_id: "taken", message_id: "a" });
    const text = (await exported(the)).join("\n");
    ok(await the.api.send("DELETE", "/v1/sessions"));
    await the.api.say("Another", { session_id: "taken", message_id: "b" });
    const dry = ok(await the.api.send("POST", "/v1/import?dry_run=true", text));
    assert.deepEqual(dry, { sessions: 1, messages: 300, skipped: ["taken"] });
    assert.equal((await the.api.list()).count, 1);
    assert.deepEqual(ok(await bring(text)), dry);
    assertProblem(await the.api.send("POST", "/v1/import?dry_run=perhaps", text), 400, "invalid_parameter");
  });

  test("whatever may be stored is exported, and imported", async () => {
    await deleteAll(the.api);
    const append = async (id, content, more = {}) =>
      ok(await the.api.send("POST", `/v1/sessions/${id}/messages`, { messages: [{ role: "user", content, ...more }] }));
    await append("code", 'def f():\n\treturn "x"\n'.repeat(11_500));
    await append("quotes", '"'.repeat(150_000));
    const deep = `${"[".repeat(64)}1${"]".repeat(64)}`;
    ok(await the.api.send("PUT", "/v1/sessions/deep/state", deep));
    const part = { type: "text", text: "y".repeat(200_000) };
    const ui = { id: "ui", role: "user", parts: [part, { type: "text", text: "z" }] };
    assert.equal((await the.api.send("POST", "/v1/ai/chat", { id: "parts", messages: [ui] })).status, 200);
    const output = {
      type: "tool-a",
      toolCallId: "c",
      state: "output-available",
      input: {},
      output: "o".repeat(400_000),
    };
    const reply = { id: "r", role: "assistant", created: "2026-01-01T00:00:00.000Z", parent: "m" };
    const session = (id) => `{"session":{"session_id":"${id}","created_ms":1,"updated_ms":1}}`;
    const line = (id, message) => JSON.stringify({ message: { session_id: id, position: 0, message } });
    const replies = [
      session("reply"),
      line("reply", { ...reply, content: "x".repeat(890_000) }),
      session("tools"),
      line("tools", { ...reply, content: "", parts: [output] }),
    ];
    assert.deepEqual(ok(await bring(replies.join("\n"))), { sessions: 2, messages: 2, skipped: [] });
    await the.api.get("/v1/ai/chat/parts/messages");

    const lines = await exported(the);
    const { end } = JSON.parse(lines.at(-1));
    assert.equal(end.sessions, 6);
    for (const path of ["/v1/import", "/v1/admin/import"]) {
      ok(await the.api.send("DELETE", "/v1/sessions"));
      assert.deepEqual(ok(await the.api.send("POST", path, lines.join("\n"))), { ...end, skipped: [] });
      assert.deepEqual((await exported(the)).sort(), [...lines].sort());
    }
  });

  test("an export that other programs wrote anew is imported", async () => {
    await deleteAll(the.api);
    await the.api.say("Ahoj", { session_id: "one", message_id: "m1", metadata: { z: 1, a: "ž" } });
    ok(await the.api.send("PATCH", "/v1/sessions/one", { title: "Kůň", metadata: { b: 1 } }));
    const lines = await exported(the);
    const sorted = (value) =>
      value && typeof value === "object" && !Array.isArray(value)
        ? Object.fromEntries(
            Object.entries(value)
              .sort()
              .map(([name, inner]) => [name, sorted(inner)]),
          )
        : value;
    const nulls = (line) => {
      const value = JSON.parse(line);
      if (value.session) Object.assign(value.session, { pinned: null, archived: null, state: null, user_id: null });
      if (value.message) value.message.message = { parts: null, status: null, ...value.message.message };
      return value;
    };
    for (const text of [
      `\ufeff${lines.join("\r\n")}\r\n\r\n`,
      lines.map((line) => JSON.stringify(sorted(JSON.parse(line)))).join("\n"),
      lines.map((line) => JSON.stringify(JSON.parse(line), null, 1).replaceAll("\n", " ")).join("\n"),
      lines.map((line) => JSON.stringify(nulls(line))).join("\n"),
    ]) {
      ok(await the.api.send("DELETE", "/v1/sessions"));
      assert.deepEqual(ok(await bring(text)), { sessions: 1, messages: 2, skipped: [] });
      assert.deepEqual(
        parsed(await exported(the)),
        parsed(lines).map((line) => line),
      );
    }
  });

  test("white space in stored JSON adds no line to an export", async () => {
    await deleteAll(the.api);
    const planted =
      '{"x":[1,\n{"session":{"owner":"u-victim","session_id":"planted","created_ms":1,"updated_ms":1}}\n,2]}';
    await the.api.say("Ahoj", { session_id: "s" });
    ok(await the.api.send("PATCH", "/v1/sessions/s", `{"metadata":{ "a" :\n\t1.0 }}`));
    ok(await the.api.send("PUT", "/v1/sessions/s/state", planted));
    ok(
      await the.api.send(
        "POST",
        "/v1/sessions/s/messages",
        `{"messages":[{"role":"user","content":"x","metadata":${planted}}]}`,
      ),
    );
    const part = `{"type":"data-x",\n"data":\r\n[ 1 ]}`;
    const ui = `{"id":"s","messages":[{"id":"ui","role":"user","parts":[{"type":"text","text":"a"},\n${part}]}]}`;
    assert.equal((await the.api.send("POST", "/v1/ai/chat", ui)).status, 200);
    const lines = await exported(the);
    assert.deepEqual(parsed(lines).at(-1), { end: { sessions: 1, messages: 5 } });
    assert.equal(lines.length, 7);
    assert.ok(lines.some((line) => line.includes('"metadata":{"a":1.0}')));
    ok(await the.api.send("DELETE", "/v1/sessions"));
    assert.deepEqual(ok(await bring(lines.join("\n"))), { sessions: 1, messages: 5, skipped: [] });
  });

  test("an owner has two imports running at once, and others have theirs", async () => {
    const text = (id) =>
      Array.from({ length: 8 }, (_, position) => {
        const message = {
          id: `m${position}`,
          role: "user",
          content: "x".repeat(200_000),
          created: "2026-01-01T00:00:00Z",
        };
        return JSON.stringify({ message: { session_id: id, position, message } });
      }).join("\n");
    const other = { "chatkeep-user": "another" };
    const [others, ...mine] = await Promise.all([
      the.api.send("POST", "/v1/import", text("other"), other),
      ...[1, 2, 3, 4, 5, 6].map((number) => bring(text(`at-once-${number}`))),
    ]);
    assert.equal(ok(others).messages, 8);
    const refused = mine.filter(({ status }) => status === 429);
    assert.ok(refused.length > 0 && refused.length <= 4, `${refused.length} of 6`);
    for (const answer of refused) {
      assertProblem(answer, 429, "too_many_imports");
      assert.ok(Number(answer.headers.get("retry-after")) > 0);
    }
    for (const answer of mine.filter((one) => !refused.includes(one))) assert.equal(ok(answer).messages, 8);
    // Later each has its turn.
    for (const number of [1, 2, 3, 4, 5, 6]) assert.equal(ok(await bring(text(`at-once-${number}`))).messages, 8);
  });

  test("a session far larger than one request is listed, paged, exported and deleted", async () => {
    const MESSAGES = 60;
    const content = "ž".repeat(120_000);
    for (let number = 0; number < MESSAGES; number += 3) {
      const messages = [0, 1, 2].map((more) => ({ id: `m${number + more}`, role: "user", content }));
      ok(await the.api.send("POST", "/v1/sessions/large/messages", { messages }));
    }
    const listed = (await the.api.list()).sessions.find((session) => session.session_id === "large");
    assert.equal(listed.message_count, MESSAGES);

    const ids = [];
    for (let before = ""; ; ) {
      const page = await the.api.history("large", `?limit=500${before && `&before=${before}`}`);
      ids.unshift(...page.messages.map((message) => message.id));
      if (!page.next_before) break;
      before = page.next_before;
    }
    const expected = Array.from({ length: MESSAGES }, (_, number) => `m${number}`);
    assert.deepEqual(ids, expected);

    const lines = parsed(await exported(the, "/v1/sessions/large/export"));
    assert.deepEqual(lines.at(-1), { end: { sessions: 1, messages: MESSAGES } });
    const messages = lines.slice(1, -1).map(({ message }) => message);
    assert.deepEqual(
      messages.map(({ position, message }) => [position, message.id]),
      expected.map((id, position) => [position, id]),
    );
    assert.ok(messages.every(({ message }) => message.content === content));
    ok(await the.api.delete("large"));
    assertProblem(await the.api.info("large"), 404, "session_not_found");
  });
});

onRedis("what an export costs", () => {
  test("twice the messages are read by twice the calls, not by four times", async () => {
    const redis = await startRedis();
    const gateway = await startGateway({ redisUrl: redis.url, faults: true });
    const worker = await startWorker({ store: "upstash", gateway });
    try {
      const api = new Api(worker.url);
      const content = "x".repeat(200_000);
      const cost = async (id, messages) => {
        for (let number = 0; number < messages; number += 4) {
          const four = [0, 1, 2, 3].map((more) => ({ id: `m${number + more}`, role: "user", content }));
          ok(await api.send("POST", `/v1/sessions/${id}/messages`, { messages: four }));
        }
        const before = (await gateway.counters()).requests;
        const lines = await exported({ worker }, `/v1/sessions/${id}/export`);
        assert.deepEqual(JSON.parse(lines.at(-1)), { end: { sessions: 1, messages } });
        return (await gateway.counters()).requests - before;
      };
      const [some, more] = [await cost("some", 20), await cost("more", 40)];
      assert.ok(more <= 2 * some, `${some} calls for 20 messages, ${more} for 40`);
    } finally {
      await worker.stop();
      await gateway.stop();
      await redis.stop();
    }
  });
});
