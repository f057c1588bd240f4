// Streamed turns in real workerd: what is sent, what outlives a reader, and what a stop keeps.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { assertProblem, eventually, ok } from "../harness/api.mjs";
import { EventStream } from "../harness/events.mjs";
import { chunk, Gate, word, words } from "../harness/model-api.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { aTurn, kept, withModel } from "../harness/streaming.mjs";
import { startWorker } from "../harness/worker.mjs";

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
      // The model is shown the other question too, where that came first and has no answer yet.
      assert.ok(reply.content.endsWith(message), reply.content);
      assert.equal(messages.filter(({ id }) => id === message_id).length, 1);
    }
    assert.deepEqual((await the.api.history(session_id)).messages, messages);
  });

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
