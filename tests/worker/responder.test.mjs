// The openai responder against a fake model API: what it is asked, and what becomes of its failures.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, afterEach, before, test } from "node:test";
import { Api, assertProblem, eventually, ok } from "../harness/api.mjs";
import { FakeModelApi } from "../harness/model-api.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

const KEY = "sk-a-secret-that-nobody-sees";
const VARS = {
  RESPONDER: "openai",
  OPENAI_API_KEY: KEY,
  OPENAI_MODEL: "a-model",
  OPENAI_PARAMETERS: '{"temperature":0.2,"max_tokens":100,"stop":["END"]}',
  SYSTEM_PROMPT: 'Be kind. Say "ž", $HOME and \\n.',
  WINDOW_MESSAGES: "4",
};
const aTurn = () => ({ message: "Hello", session_id: `s-${randomUUID()}`, message_id: `m-${randomUUID()}` });

/** A Worker that asks a fake model API. All answers that tests got are checked for the key at the end. */
function withModel(store, vars) {
  const the = {};
  before(async () => {
    the.model = await FakeModelApi.start();
    the.worker = await startWorker({ store, vars: { ...VARS, OPENAI_BASE_URL: the.model.url, ...vars } });
    the.api = new Api(the.worker.url);
    the.seen = [];
    const send = the.api.send.bind(the.api);
    the.api.send = async (...request) => {
      const answer = await send(...request);
      the.seen.push(JSON.stringify([answer.text, ...answer.headers]));
      return answer;
    };
  });
  afterEach(() => the.model.answer(() => `Answer ${the.model.requests.length}`));
  after(async () => {
    await the.worker?.stop();
    await the.model?.stop();
  });
  return the;
}

/** The user's message is kept, once, without a reply; a retry under its id answers it. */
async function assertRetryAnswers({ api, model }, turn) {
  const { messages } = await api.history(turn.session_id);
  assert.deepEqual(
    messages.map(({ id, content }) => [id, content]),
    [[turn.message_id, turn.message]],
  );
  model.say("At last");
  const asked = model.requests.length;
  const answer = ok(await api.chat(turn));
  assert.equal(answer.response, "At last");
  assert.equal("replayed" in answer, false);
  assert.equal(model.requests.length, asked + 1);
  assert.deepEqual(await api.texts(turn.session_id), [turn.message, "At last"]);
  assert.equal(ok(await api.chat(turn)).replayed, true);
  assert.equal(model.requests.length, asked + 1);
}

forEachStore("the openai responder", (store) => {
  const the = withModel(store, {});

  test("sends prompt, window, model and parameters", async () => {
    const { api, model } = the;
    model.answer(() => `Answer ${model.requests.length}`);
    const { session_id, response } = await api.say("one");
    assert.equal(response, `Answer ${model.requests.length}`);
    const [first] = model.requests.slice(-1);
    assert.deepEqual([first.method, first.path], ["POST", "/v1/chat/completions"]);
    assert.equal(first.headers.authorization, `Bearer ${KEY}`);
    assert.equal(first.headers["content-type"], "application/json");
    const system = { role: "system", content: VARS.SYSTEM_PROMPT };
    assert.deepEqual(first.body, {
      model: "a-model",
      messages: [system, { role: "user", content: "one" }],
      temperature: 0.2,
      max_tokens: 100,
      stop: ["END"],
    });

    const replies = [response];
    for (const message of ["two", "three\n„ž“"]) replies.push((await api.say(message, { session_id })).response);
    assert.deepEqual(model.requests.at(-1).body.messages, [
      system,
      { role: "user", content: "two" },
      { role: "assistant", content: replies[1] },
      { role: "user", content: "three\n„ž“" },
    ]);
  });

  for (const [what, fail, status, code] of [
    ["429", (model) => model.fail(429), 503, "responder_busy"],
    ["503", (model) => model.fail(503), 503, "responder_busy"],
    ["500", (model) => model.fail(500), 502, "responder_failed"],
    ["401, and its own words", (model) => model.fail(401, `Incorrect API key: ${KEY}`), 502, "responder_failed"],
    ["a redirect to nowhere", (model) => model.fail(302), 502, "responder_failed"],
    ["a page instead of JSON", (model) => model.garble("<html>busy</html>"), 502, "responder_failed"],
    ["other JSON", (model) => model.garble('{"ok":true}'), 502, "responder_failed"],
    ["no choices", (model) => model.garble('{"choices":[]}'), 502, "responder_failed"],
    ["an empty text", (model) => model.say(""), 502, "responder_failed"],
    ["half an answer", (model) => model.garble('{"choices":[{"message":{"content":"Hel'), 502, "responder_failed"],
    ["a reply too long", (model) => model.say("x".repeat(900_001)), 502, "responder_failed"],
  ]) {
    test(`${what}: ${code}, and the message is kept for a retry`, async () => {
      const turn = aTurn();
      fail(the.model);
      const answer = await the.api.chat(turn);
      const problem = assertProblem(answer, status, code);
      assert.deepEqual([problem.session_id, problem.message_id], [turn.session_id, turn.message_id]);
      assert.equal(problem.retryable, true);
      assert.match(answer.headers.get("retry-after") ?? "", /^[1-9]/);
      await assertRetryAnswers(the, turn);
    });
  }

  test("a long reply is kept whole", async () => {
    const text = `${"ž".repeat(400_000)}.`;
    the.model.say(text);
    const { session_id, response } = await the.api.say("Tell me everything");
    assert.equal(response, text);
    assert.equal((await the.api.texts(session_id))[1], text);
  });

  test("a turn that runs is not run twice", async () => {
    const turn = aTurn();
    let release = (_text) => {};
    the.model.answer(() => new Promise((resolve) => (release = resolve)));
    const asked = the.model.requests.length;
    const first = the.api.chat(turn);
    await the.model.received(asked + 1);
    const second = await the.api.chat(turn);
    assertProblem(second, 409, "turn_in_progress");
    assert.match(second.headers.get("retry-after") ?? "", /^[1-9]/);
    const other = await the.api.chat({ ...turn, message: "Another" });
    assertProblem(other, 422, "turn_mismatch");
    release("Once");
    assert.equal(ok(await first).response, "Once");
    assert.equal(ok(await the.api.chat(turn)).replayed, true);
    assert.equal(the.model.requests.length, asked + 1);
    assert.deepEqual(await the.api.texts(turn.session_id), ["Hello", "Once"]);
  });

  test("a session deleted while its turn runs stays deleted", async () => {
    const turn = aTurn();
    let release = (_text) => {};
    the.model.answer(() => new Promise((resolve) => (release = resolve)));
    const asked = the.model.requests.length;
    const running = the.api.chat(turn);
    await the.model.received(asked + 1);
    ok(await the.api.delete(turn.session_id));
    release("Too late");
    assertProblem(await running, 404, "session_not_found");
    assertProblem(await the.api.info(turn.session_id), 404, "session_not_found");
    assertProblem(await the.api.chat(turn), 410, "session_deleted");
  });

  test("the key is in no answer and no log", () => {
    assert.ok(the.seen.length > 50, `${the.seen.length}`);
    for (const answer of the.seen) assert.ok(!answer.includes(KEY), answer);
    for (const part of [the.worker, the.worker.gateway]) assert.ok(!part?.logs().includes(KEY));
    assert.match(the.worker.logs(), /responder_failed/);
  });
});

forEachStore("an openai responder that doesn't answer", (store) => {
  const the = withModel(store, { RESPONDER_TIMEOUT_SECONDS: "1", LEASE_SECONDS: "2" });

  test("is given up: responder_timeout, and the message is kept for a retry", async () => {
    const turn = aTurn();
    the.model.hang();
    assertProblem(await the.api.chat(turn), 504, "responder_timeout");
    await assertRetryAnswers(the, turn);
  });

  test("a turn that a crash broke off is taken over when its lease has run out", async () => {
    const turn = aTurn();
    the.model.hang();
    const asked = the.model.requests.length;
    const broken_off = the.api.chat(turn).catch(() => "broken off");
    await the.model.received(asked + 1);
    await the.worker.kill();
    assert.equal(await broken_off, "broken off");
    await the.worker.restart();
    the.model.say("At last");
    const answer = await eventually(
      () => the.api.chat(turn),
      ({ status }) => status !== 409,
    );
    assert.equal(ok(answer).response, "At last");
    assert.deepEqual(await the.api.texts(turn.session_id), [turn.message, "At last"]);
  });

  test("is reported when it isn't there at all", async () => {
    const turn = aTurn();
    await the.model.stop();
    assertProblem(await the.api.chat(turn), 502, "responder_failed");
    assert.deepEqual(await the.api.texts(turn.session_id), [turn.message]);
  });
});
