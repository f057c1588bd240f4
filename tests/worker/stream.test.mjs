// Streamed turns in real workerd: what is sent, what survives a reader, a stop and a restart, and what becomes of failures.
import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { after, afterEach, before, test } from "node:test";
import { Api, assertProblem, eventually, ok } from "../harness/api.mjs";
import { EventStream } from "../harness/events.mjs";
import { chunk, END, FakeModelApi, Gate, word, words } from "../harness/model-api.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

const aTurn = () => ({ message: "Hello", session_id: `s-${randomUUID()}`, message_id: `m-${randomUUID()}` });

/** A Worker that asks a fake model API, and streams from it. */
function withModel(store, vars = {}) {
  const the = {};
  before(async () => {
    the.model = await FakeModelApi.start();
    const own = { RESPONDER: "openai", OPENAI_API_KEY: "sk-secret", OPENAI_BASE_URL: the.model.url };
    the.worker = await startWorker({ store, vars: { ...own, WEBHOOK_URL: `${the.model.url}/agent`, ...vars } });
    the.api = new Api(the.worker.url);
    the.stream = (turn, headers) =>
      EventStream.open(`${the.worker.url}/v1/chat`, { json: { ...turn, stream: true }, headers });
    the.follow = (id, headers) => EventStream.open(`${the.worker.url}/v1/sessions/${id}/stream`, { headers });
    the.stop = (id, body) => the.api.send("POST", `/v1/sessions/${id}/stop`, body);
  });
  afterEach(() => the.model.answer(() => `Answer ${the.model.requests.length}`));
  after(async () => {
    await the.worker?.stop();
    await the.model?.stop();
  });
  return the;
}

/** The messages of a session as role, content and status. */
async function kept(api, id) {
  const { messages } = await api.history(id);
  return messages.map(({ role, content, status }) => [role, content, ...(status ? [status] : [])]);
}

forEachStore("a streamed turn", (store) => {
  const the = withModel(store);

  test("comes in numbered events, and is stored before it is done", async () => {
    const turn = aTurn();
    the.model.answer(() => ({ stream: words("Ahoj ", "„světe“", "\n!") }));
    const stream = await the.stream(turn);
    assert.equal(stream.status, 200);
    assert.match(stream.headers.get("content-type"), /^text\/event-stream/);
    const events = await stream.all();
    const { session_id, message_id } = turn;
    const reply_id = `r-${message_id}`;
    assert.deepEqual(events[0], {
      name: "turn",
      id: "1",
      data: { session_id, message_id, reply_id, created: true },
    });
    assert.equal(stream.text, "Ahoj „světe“\n!");
    const numbers = events.map(({ id }) => Number(id));
    assert.deepEqual(
      numbers,
      numbers.toSorted((one, other) => one - other),
    );
    const { name, data } = events.at(-1);
    assert.equal(name, "done");
    assert.deepEqual(
      [data.response, data.session_id, data.message_id, data.reply_id, data.created, data.usage],
      ["Ahoj „světe“\n!", session_id, message_id, reply_id, true, { total_tokens: 7 }],
    );
    assert.equal(data.session.message_count, 2);
    assert.deepEqual(await kept(the.api, session_id), [
      ["user", "Hello"],
      ["assistant", "Ahoj „světe“\n!"],
    ]);
    const { body, headers } = the.model.requests.at(-1);
    assert.deepEqual([body.stream, body.stream_options], [true, { include_usage: true }]);
    assert.equal(headers.authorization, "Bearer sk-secret");
  });

  test("is asked for by Accept too, and in a session's path; sent again it is replayed", async () => {
    const turn = aTurn();
    const headers = { accept: "text/event-stream" };
    const url = `${the.worker.url}/v1/sessions/${turn.session_id}/messages`;
    const { message, message_id } = turn;
    const first = await EventStream.open(url, { json: { message, message_id }, headers });
    const done = (await first.all()).at(-1).data;
    const again = await EventStream.open(`${the.worker.url}/v1/chat`, { json: turn, headers });
    const events = await again.all();
    assert.deepEqual(
      events.map(({ name }) => name),
      ["turn", "delta", "done"],
    );
    assert.equal(again.text, done.response);
    assert.equal(events.at(-1).data.replayed, true);
  });

  test("that can't begin is answered as ever", async () => {
    for (const [body, status, code] of [
      [{ message: "" }, 400, "message_empty"],
      [{ message: "x", session_id: "none", existing: true }, 404, "session_not_found"],
      [{ regenerate: "none", session_id: "none" }, 404, "session_not_found"],
    ]) {
      assertProblem(await the.api.chat({ ...body, stream: true }), status, code);
    }
  });

  test("goes on when its reader leaves, and is followed from where the reader was", async () => {
    const turn = aTurn();
    const [first, second] = [new Gate(), new Gate()];
    the.model.answer(() => ({ stream: words("One ", first, "two ", second, "three") }));
    const stream = await the.stream(turn);
    const { id } = await stream.untilText("One ");
    stream.close();
    const late = await the.follow(turn.session_id);
    await late.untilText("One ");
    first.open();
    const resumed = await the.follow(turn.session_id, { "last-event-id": id });
    await resumed.untilText("two ");
    const same = await the.stream(turn, { "last-event-id": id });
    await same.untilText("two ");
    second.open();
    for (const [reader, text] of [
      [late, "One two three"],
      [resumed, "two three"],
      [same, "two three"],
    ]) {
      const events = await reader.all();
      assert.equal(reader.text, text);
      assert.equal(events.at(-1).name, "done");
    }
    assert.equal(the.model.requests.filter(({ body }) => body.stream).length > 0, true);
    assert.deepEqual((await kept(the.api, turn.session_id))[1], ["assistant", "One two three"]);
    assert.equal((await the.follow(turn.session_id)).status, 204);
    assert.equal((await the.follow("nobody")).status, 204);
  });

  test("is stored when nobody is left to read it", async () => {
    const turn = aTurn();
    const gate = new Gate();
    the.model.answer(() => ({ stream: words("Alone ", gate, "at last") }));
    const stream = await the.stream(turn);
    await stream.untilText("Alone ");
    stream.close();
    gate.open();
    await eventually(
      () => kept(the.api, turn.session_id),
      (messages) => messages[1]?.[1] === "Alone at last",
    );
  });

  test("is stopped by its name alone, and keeps what had come", async () => {
    const turn = aTurn();
    const gate = new Gate();
    the.model.answer(() => ({ stream: words("Part ", gate, "never") }));
    const stream = await the.stream(turn);
    await stream.untilText("Part ");
    const other = await the.stop(turn.session_id, { message_id: "another" });
    assert.deepEqual(ok(other), { session_id: turn.session_id, stopped: 0 });
    const closed = the.model.closed;
    assert.equal(ok(await the.stop(turn.session_id, { message_id: turn.message_id })).stopped, 1);
    assert.deepEqual((await kept(the.api, turn.session_id))[1], ["assistant", "Part ", "stopped"]);
    const { name, data } = (await stream.all()).at(-1);
    assert.deepEqual([name, data.stopped, data.response], ["done", true, "Part "]);
    await eventually(
      () => the.model.closed,
      (now) => now > closed,
    );
    assert.equal(ok(await the.stop(turn.session_id)).stopped, 0);
    assert.equal(ok(await the.api.chat(turn)).stopped, true);
  });

  test("two at once in one session are both kept, and each reply names its message", async () => {
    const session_id = `s-${randomUUID()}`;
    const gate = new Gate();
    the.model.answer(({ body }) => ({ stream: words(gate, `to ${body.messages.at(-1).content}`) }));
    const turns = ["one", "two"].map((message) => ({ message, session_id, message_id: `m-${message}` }));
    const streams = await Promise.all(turns.map((turn) => the.stream(turn)));
    gate.open();
    await Promise.all(streams.map((stream) => stream.all()));
    const { messages } = await the.api.history(session_id);
    assert.equal(messages.length, 4);
    for (const { message, message_id } of turns) {
      const reply = messages.find(({ parent }) => parent === message_id);
      assert.equal(reply.content, `to ${message}`);
      assert.equal(messages.filter(({ id }) => id === message_id).length, 1);
    }
    assert.deepEqual((await the.api.history(session_id)).messages, messages);
  });

  for (const [what, stream, code] of [
    [
      "an error in mid-stream",
      () => [word("Part"), 'data: {"error":{"message":"secret words"}}\n\n'],
      "responder_failed",
    ],
    ["a chunk that is none", () => [word("Part"), "data: <html>\n\n"], "responder_failed"],
    ["an end without an end", () => [word("Part")], "responder_failed"],
    ["a broken connection", () => broken(word("Part")), "responder_failed"],
    ["too long a reply", () => [word("Part"), word("x".repeat(900_001)), END], "responder_failed"],
  ]) {
    test(`${what} keeps what had come, and can be regenerated`, async () => {
      const turn = aTurn();
      the.model.answer(() => ({ stream: stream() }));
      const answer = await the.stream(turn);
      const { name, data } = (await answer.all()).at(-1);
      assert.deepEqual([name, data.code, data.retryable], ["error", code, false]);
      assert.deepEqual([data.session_id, data.message_id], [turn.session_id, turn.message_id]);
      assert.ok(!JSON.stringify(data).includes("secret words"));
      const [, [role, content, status]] = await kept(the.api, turn.session_id);
      assert.deepEqual([role, content.slice(0, 4), status], ["assistant", "Part", "interrupted"]);
      assert.equal(ok(await the.api.chat(turn)).interrupted, true);

      the.model.say("Whole");
      const again = await the.stream({ session_id: turn.session_id, regenerate: turn.message_id });
      assert.equal((await again.all()).at(-1).data.message_id, turn.message_id);
      assert.deepEqual(await kept(the.api, turn.session_id), [
        ["user", "Hello"],
        ["assistant", "Whole"],
      ]);
    });
  }

  for (const [what, told, code] of [
    ["an error at once", { status: 500 }, "responder_failed"],
    ["a busy API", { status: 429 }, "responder_busy"],
    ["nothing at all", { stream: [END] }, "responder_failed"],
  ]) {
    test(`${what} keeps nothing, and the same turn can be sent again`, async () => {
      const turn = aTurn();
      the.model.answer(() => told);
      const { name, data } = (await (await the.stream(turn)).all()).at(-1);
      assert.deepEqual([name, data.code, data.retryable], ["error", code, true]);
      assert.deepEqual(await kept(the.api, turn.session_id), [["user", "Hello"]]);
      the.model.say("At last");
      const again = await the.stream(turn);
      assert.equal((await again.all()).at(-1).data.response, "At last");
    });
  }

  test("an API that doesn't stream is read whole", async () => {
    const body = JSON.stringify({ choices: [{ message: { content: "Whole" } }] });
    the.model.answer(() => ({ status: 200, body }));
    const stream = await the.stream(aTurn());
    assert.equal((await stream.all()).at(-1).data.response, "Whole");
  });

  test("calls of tools and sources come through and are kept", async () => {
    const turn = aTurn();
    const call = (fn, id) => chunk({ tool_calls: [{ index: 0, id, function: fn }] });
    const url_citation = { url: "https://a.example", title: "A" };
    the.model.answer(() => ({
      stream: [
        word("Look: "),
        chunk({ annotations: [{ type: "url_citation", url_citation }] }),
        call({ name: "weather", arguments: "" }, "c1"),
        call({ arguments: '{"city":' }),
        call({ arguments: '"Brno"}' }),
        chunk({}, { finish_reason: "tool_calls" }),
        "data: [DONE]\n\n",
      ],
    }));
    const events = await (await the.stream(turn)).all();
    assert.deepEqual(
      events.map(({ name }) => name),
      ["turn", "delta", "source", "tool_call", "done"],
    );
    assert.deepEqual(events[2].data, url_citation);
    assert.deepEqual(events[3].data, { id: "c1", name: "weather", input: { city: "Brno" } });
    const { parts } = (await the.api.history(turn.session_id)).messages[1];
    assert.deepEqual(
      parts.map(({ type }) => type),
      ["step-start", "text", "source-url", "tool-weather"],
    );
    assert.deepEqual(events.at(-1).data.parts, parts);
  });

  test("a slow reader gets everything, and holds nobody up", async () => {
    const turn = aTurn();
    const text = "A line of sixty-four characters, for a reply that is a long one.\n".repeat(10_000);
    the.model.answer(() => ({ stream: words(...(text.match(/[\s\S]{1,1000}/g) ?? [])) }));
    const slow = await the.stream(turn);
    const fast = await the.follow(turn.session_id);
    await fast.all();
    assert.equal(fast.text, text);
    await slow.all();
    assert.equal(slow.text, text);
  });
});

/** Writes some of a stream, and breaks the connection. */
async function* broken(...pieces) {
  yield* pieces;
  await new Promise((resolve) => setTimeout(resolve, 50));
  throw new Error("as told by the test");
}

forEachStore("a streamed turn with little time", (store) => {
  const the = withModel(store, { RESPONDER_TIMEOUT_SECONDS: "1", LEASE_SECONDS: "2", MAX_RUNNING_TURNS: "2" });

  test("that falls silent is given up, and keeps what had come", async () => {
    const turn = aTurn();
    the.model.answer(() => ({ stream: words("Part ", new Gate()) }));
    const { name, data } = (await (await the.stream(turn)).all()).at(-1);
    assert.deepEqual([name, data.code], ["error", "responder_timeout"]);
    assert.deepEqual((await kept(the.api, turn.session_id))[1], ["assistant", "Part ", "interrupted"]);
  });

  test("that is only kept open by comments is silent too", async () => {
    the.model.answer(() => ({ stream: comments() }));
    const { data } = (await (await the.stream(aTurn())).all()).at(-1);
    assert.equal(data.code, "responder_timeout");
  });

  test("takes longer than its lease, which is renewed", async () => {
    const turn = aTurn();
    the.model.answer(() => ({ stream: slowly(12, 400) }));
    const stream = await the.stream(turn);
    await stream.untilText("8 ");
    assertProblem(await the.api.chat(turn), 409, "turn_in_progress");
    assert.equal((await stream.all()).at(-1).name, "done");
  });

  test("is one of so many", async () => {
    const turns = [aTurn(), aTurn()];
    the.model.answer(() => ({ stream: words("On ", new Gate()) }));
    const streams = await Promise.all(turns.map((turn) => the.stream(turn)));
    await Promise.all(streams.map((stream) => stream.untilText("On ")));
    const refused = assertProblem(await the.api.chat({ ...aTurn(), stream: true }), 429, "too_many_turns");
    assert.equal(refused.retryable, true);
    assert.equal((await the.follow(turns[0].session_id)).status, 200);
    await Promise.all(turns.map(({ session_id }) => the.stop(session_id)));
    the.model.say("Room");
    assert.equal((await (await the.stream(aTurn())).all()).at(-1).name, "done");
  });

  test("that a crash broke off says so, keeps what had come and can be regenerated", async () => {
    const turn = aTurn();
    the.model.answer(() => ({ stream: slowly(100, 100) }));
    const stream = await the.stream(turn);
    await stream.untilText("6 ");
    await the.worker.kill();
    await the.worker.restart();
    const [, [role, content, status]] = await eventually(
      () => kept(the.api, turn.session_id),
      (messages) => messages.length === 2,
    );
    assert.deepEqual([role, content.slice(0, 6), status], ["assistant", "0 1 2 ", "interrupted"]);
    the.model.say("Whole");
    const again = ok(await the.api.chat({ session_id: turn.session_id, regenerate: turn.message_id }));
    assert.equal(again.response, "Whole");
    assert.equal((await kept(the.api, turn.session_id)).length, 2);
  });
});

async function* slowly(count, milliseconds) {
  for (let number = 0; number < count; number += 1) {
    yield word(`${number} `);
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  }
  yield END;
}

async function* comments() {
  for (let number = 0; number < 100; number += 1) {
    yield ": still here\n\n";
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

forEachStore("a webhook", (store) => {
  const the = withModel(store, { RESPONDER: "webhook", WEBHOOK_SECRET: "hush-hush" });

  test("is asked with history, metadata and state, signed; what it says is kept", async () => {
    const { session_id } = aTurn();
    const answer = { response: "Hi", sources: [{ url: "https://a.example" }], metadata: { n: 1 }, state: { step: 1 } };
    the.model.answer(() => ({ status: 200, body: JSON.stringify(answer) }));
    const first = ok(await the.api.chat({ message: "One", session_id, message_id: "m1", metadata: { who: "me" } }));
    assert.deepEqual([first.response, first.metadata], ["Hi", { n: 1 }]);
    assert.equal(first.parts.at(-1).url ?? first.parts[1].url, "https://a.example");
    const { path, headers, body } = the.model.requests.at(-1);
    assert.equal(path, "/v1/agent");
    assert.deepEqual(body, { session_id, message_id: "m1", message: "One", history: [], metadata: { who: "me" } });
    const [, seconds, hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(headers["chatkeep-signature"]) ?? [];
    const signed = createHmac("sha256", "hush-hush")
      .update(`${seconds}.${JSON.stringify(body)}`)
      .digest("hex");
    assert.equal(hex, signed);

    the.model.answer(() => ({ stream: ['data: {"delta":"B"}\n\n', 'data: {"delta":"ye","state":[2]}\n\n'] }));
    const events = await (await the.stream({ message: "Two", session_id })).all();
    assert.equal(events.at(-1).data.response, "Bye");
    const again = the.model.requests.at(-1).body;
    assert.deepEqual([again.state, again.history.length], [{ step: 1 }, 2]);
    assert.deepEqual(ok(await the.api.get(`/v1/sessions/${session_id}/state`)), [2]);
  });

  test("that fails says so", async () => {
    for (const [told, status, code] of [
      [{ status: 500 }, 502, "responder_failed"],
      [{ status: 503 }, 503, "responder_busy"],
      [{ status: 200, body: '{"error":"no"}' }, 502, "responder_failed"],
      [{ status: 200, body: "Hi" }, 502, "responder_failed"],
    ]) {
      the.model.answer(() => told);
      assertProblem(await the.api.chat(aTurn()), status, code);
    }
  });
});

forEachStore("the echo", (store) => {
  let worker;
  before(async () => {
    worker = await startWorker({ store, vars: { ECHO_WORD_MS: "1" } });
  });
  after(() => worker?.stop());

  test("streams word by word", async () => {
    const stream = await EventStream.open(`${worker.url}/v1/chat`, { json: { message: "a b c", stream: true } });
    const events = await stream.all();
    assert.match(stream.text, /^You said: a b c/);
    assert.equal(events.at(-1).data.response, stream.text);
  });
});
