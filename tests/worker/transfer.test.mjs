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

  test("a line that is wrong is named, and nothing is imported", async () => {
    const { count } = await the.api.list();
    const good = '{"session":{"session_id":"good","created_ms":1,"updated_ms":1}}';
    for (const [wrong, code] of [
      ["{", "invalid_json"],
      ['{"session":{}}', "invalid_body"],
      ['{"message":{"session_id":"good","position":0,"message":{"role":"user"}}}', "invalid_body"],
    ]) {
      const problem = assertProblem(await bring(`${good}\n${wrong}`), 400, code);
      assert.equal(problem.detail, "in line 2");
    }
    assert.equal((await the.api.list()).count, count);
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
