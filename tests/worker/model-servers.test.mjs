// Model servers that keep rules of their own, or take liberties: strict ones, thinking ones, and odd answers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertProblem, eventually, ok } from "../harness/api.mjs";
import { EventStream } from "../harness/events.mjs";
import { chunk, END, FakeStrictModelApi, Gate, word } from "../harness/model-api.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { aTurn, kept, withModel } from "../harness/streaming.mjs";

const stop = (reason = "stop") => chunk({}, { finish_reason: reason });
const call = (id, city) => ({ index: 0, id, function: { name: "weather", arguments: JSON.stringify({ city }) } });
const whole = (message, more) => ({
  status: 200,
  body: JSON.stringify({ choices: [{ index: 0, message, finish_reason: "stop", ...more }] }),
});

/** The ways to run a turn; each gives the text of the reply, or undefined. */
const WAYS = {
  "unstreamed /v1/chat": async (the, turn) => (await the.api.chat(turn)).body?.response,
  "streamed /v1/chat": async (the, turn) => (await (await the.stream(turn)).all()).at(-1).data.response,
  "/v1/ai/chat": async (the, { session_id, message, message_id }) => {
    const parts = [{ type: "text", text: message }];
    const json = { id: session_id, messages: [{ id: message_id, role: "user", parts }] };
    const events = await (await EventStream.open(`${the.worker.url}/v1/ai/chat`, { json })).all();
    const text = events.filter(({ data }) => data?.type === "text-delta").map(({ data }) => data.delta);
    return text.length > 0 ? text.join("") : undefined;
  },
};

forEachStore("a strict model server", (store) => {
  const the = withModel(store, { SYSTEM_PROMPT: "Be kind." }, FakeStrictModelApi);

  for (const [way, say] of Object.entries(WAYS)) {
    test(`${way}: a chat of 30 turns goes on after a failure, a stop and a message that is too long`, async () => {
      const { session_id } = aTurn();
      const turn = (number, message = `question ${number}`) => ({ session_id, message, message_id: `m-${number}` });
      for (let number = 1; number <= 30; number += 1) {
        if (number === 14) the.model.fail(500);
        else the.model.say(`answer ${number}`);
        const message = number === 18 ? "x".repeat(the.model.context) : undefined;
        const expected = number === 14 || number === 18 ? undefined : `answer ${number}`;
        assert.equal(await say(the, turn(number, message)), expected, `turn ${number}`);
      }
      const { messages } = await the.api.history(session_id);
      assert.equal(messages.length, 58);
      const [system, first] = the.model.requests.at(-1).body.messages;
      assert.deepEqual([system.content, first.role], ["Be kind.", "user"]);
    });
  }

  test("a question that nobody answered is shown with the next one", async () => {
    const { session_id } = aTurn();
    the.model.fail(500);
    assertProblem(await the.api.chat({ session_id, message: "First" }), 502, "responder_failed");
    the.model.say("Both");
    ok(await the.api.chat({ session_id, message: "Second" }));
    assert.deepEqual(the.model.requests.at(-1).body.messages.slice(1), [{ role: "user", content: "First\n\nSecond" }]);
  });

  test("a message that is too long says so, and its type is in the log, not its words", async () => {
    const problem = assertProblem(
      await the.api.chat({ ...aTurn(), message: "x".repeat(the.model.context) }),
      502,
      "responder_failed",
    );
    assert.match(problem.detail, /too long for the model/);
    const logs = await eventually(
      () => the.worker.logs(),
      (logs) => logs.includes('"cause":"exceed_context_size_error/400"'),
    );
    assert.ok(!logs.includes("words that nobody may see"));
  });

  test("a call that nobody answered is not shown when the user goes on", async () => {
    const { session_id } = aTurn();
    const tool = chunk({ tool_calls: [call("c1", "Brno")] });
    the.model.answer(() => ({ stream: [tool, stop("tool_calls"), "data: [DONE]\n\n"] }));
    await (await the.stream({ session_id, message: "weather?" })).all();
    the.model.say("Fine");
    ok(await the.api.chat({ session_id, message: "never mind" }));
    const said = { role: "user", content: "weather?\n\nnever mind" };
    assert.deepEqual(the.model.requests.at(-1).body.messages.slice(1), [said]);
  });

  test("a greeting of the assistant is told before the user begins", async () => {
    const { session_id } = aTurn();
    const messages = [{ role: "assistant", content: "Tea or coffee?" }];
    ok(await the.api.send("POST", `/v1/sessions/${session_id}/messages`, { messages }));
    the.model.say("Here it is");
    ok(await the.api.chat({ session_id, message: "Tea" }));
    assert.match(the.model.requests.at(-1).body.messages[0].content, /^Be kind\.\n\n.*:\nTea or coffee\?$/);
  });
});

forEachStore("an odd model server", (store) => {
  const the = withModel(store, { RESPONDER_TIMEOUT_SECONDS: "2" });
  const streamed = async (stream, type = "text/event-stream", turn = aTurn()) => {
    the.model.answer(() => ({ stream, type }));
    return (await (await the.stream(turn)).all()).at(-1);
  };

  test("that reasons longer than it may be silent is waited for", async () => {
    const { name, data } = await streamed(thoughts(10, 500));
    assert.deepEqual([name, data.response], ["done", "42"]);
  });

  test("that reasons and answers nothing says so", async () => {
    const { data } = await streamed([chunk({ reasoning_content: "hm" }), stop("length"), "data: [DONE]\n\n"]);
    assert.match(data.detail, /limit of tokens while it reasoned/);
  });

  test("that keeps the connection open after its reason is done soon", async () => {
    const { name, data } = await streamed(open(word("All"), stop()));
    assert.deepEqual([name, data.response, data.finish, data.interrupted], ["done", "All", "stop", undefined]);
  });

  for (const type of ["text/plain", "application/octet-stream", "application/json"]) {
    test(`that says its stream is ${type} is read`, async () => {
      assert.equal((await streamed([word("A"), END], type)).data.response, "A");
    });
  }

  test("that cuts an emoji between two deltas loses nothing", async () => {
    const halves = ["ok \\ud83d", "\\ude00 end"].map(
      (text) => `data: {"choices":[{"delta":{"content":"${text}"}}]}\n\n`,
    );
    assert.equal((await streamed([...halves, END])).data.response, "ok 😀 end");
    the.model.garble('{"choices":[{"message":{"content":"half \\ud83d"}}]}');
    assert.equal(ok(await the.api.chat(aTurn())).response, "half \ufffd");
  });

  test("that calls tools in parallel under one index keeps both calls", async () => {
    const turn = aTurn();
    const stream = [
      chunk({ tool_calls: [call("c1", "Brno")] }),
      chunk({ tool_calls: [call("c2", "Oslo")] }),
      stop("tool_calls"),
    ];
    const { data } = await streamed(stream, undefined, turn);
    const calls = data.parts
      .filter(({ type }) => type === "tool-weather")
      .map(({ toolCallId, input }) => [toolCallId, input]);
    assert.deepEqual(calls, [
      ["c1", { city: "Brno" }],
      ["c2", { city: "Oslo" }],
    ]);
    assert.equal(data.finish, "tool-calls");
    const { messages } = await the.api.history(turn.session_id);
    assert.deepEqual(messages[1].parts, data.parts);
  });

  test("that writes arguments which are no JSON leaves the call with what is wrong", async () => {
    const broken = { index: 0, id: "c1", function: { name: "weather", arguments: '{"city":' } };
    const { data } = await streamed([chunk({ tool_calls: [broken] }), stop("tool_calls")]);
    const { state, rawInput, errorText } = data.parts.at(-1);
    assert.deepEqual([state, rawInput, errorText], ["output-error", '{"city":', "the input is not JSON"]);
  });

  test("that calls a tool unstreamed, or answers a list, is read", async () => {
    the.model.answer(() => whole({ content: null, tool_calls: [call("c1", "Brno")] }, { finish_reason: "tool_calls" }));
    const called = ok(await the.api.chat(aTurn()));
    assert.deepEqual([called.response, called.parts.at(-1).input, called.finish], ["", { city: "Brno" }, "tool-calls"]);
    const content = [
      { type: "thinking", thinking: [] },
      { type: "text", text: "answer" },
    ];
    the.model.answer(() => whole({ content }, { finish_reason: "length" }));
    const answer = ok(await the.api.chat(aTurn()));
    assert.deepEqual([answer.response, answer.finish], ["answer", "length"]);
  });

  test("that is busy says until when", async () => {
    the.model.answer(() => ({ status: 429, headers: { "retry-after": "7" } }));
    const answer = await the.api.chat(aTurn());
    assertProblem(answer, 503, "responder_busy");
    assert.equal(answer.headers.get("retry-after"), "7");
  });

  // Of the vault, whose rows have the limit.
  if (store === "vault") {
    test("that answers more than a row takes is cut there, as it is stored", async () => {
      const turn = aTurn();
      const many = Array.from({ length: 89 }, () => word("\u001b".repeat(10_000)));
      const { name } = await streamed([...many, END], undefined, turn);
      assert.equal(name, "error");
      const [, content, status] = (await kept(the.api, turn.session_id)).at(-1);
      assert.equal(status, "interrupted");
      const bytes = JSON.stringify(content).length;
      assert.ok(bytes > 1_390_000 && bytes <= 1_400_000, `${bytes}`);
    });
  }

  test("that answers megabytes beside its text is given up", async () => {
    const body = JSON.stringify({ choices: [{ message: { content: "x" } }], more: "x".repeat(12_000_000) });
    the.model.garble(body);
    assertProblem(await the.api.chat(aTurn()), 502, "responder_failed");
  });
});

forEachStore("a base URL without a key", (store) => {
  const the = withModel(store, { RESPONDER: "", OPENAI_API_KEY: "" });

  test("is asked", async () => {
    the.model.say("From the model");
    assert.equal(ok(await the.api.chat(aTurn())).response, "From the model");
  });
});

async function* thoughts(count, milliseconds) {
  for (let number = 0; number < count; number += 1) {
    yield chunk({ reasoning_content: "s" });
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  }
  yield word("42");
  yield END;
}

/** Writes some of a stream, and never ends it. */
async function* open(...pieces) {
  yield* pieces;
  await new Gate().opened;
}
