// Summaries: what no longer fits the window is told in short by the model, kept, shown to it, and let go of with what it is of; and the
// tokens that the model's API counts.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Api, eventually, ok } from "../harness/api.mjs";
import { FakeModelApi } from "../harness/model-api.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

const ASKED = /^Summarise this part of a chat/;

forEachStore("summaries by the responder", (store) => {
  /** @type {FakeModelApi} */
  let model;
  /** @type {Api} */
  let api;
  let worker;
  before(async () => {
    model = await FakeModelApi.start();
    const vars = {
      RESPONDER: "openai",
      OPENAI_BASE_URL: model.url,
      SUMMARY: "responder",
      WINDOW_MESSAGES: "4",
      SYSTEM_PROMPT: "Be kind.",
    };
    worker = await startWorker({ store, vars });
    api = new Api(worker.url);
  });
  after(async () => {
    await worker?.stop();
    await model?.stop();
  });

  const last = ({ body }) => body.messages.at(-1).content;
  const asks = (request) => ASKED.test(last(request));
  const info = async (id) => ok(await api.info(id));
  const summarised = (id, messages) =>
    eventually(
      async () => (await info(id)).summary,
      (summary) => summary?.messages === messages,
    );
  /** What the model was shown before the window, in its last turn. */
  const shown = () => model.requests.filter((request) => !asks(request)).at(-1).body.messages[0].content;

  function answer(request) {
    const text = asks(request) ? `Ada likes trams (${model.requests.filter(asks).length})` : `Yes, ${last(request)}`;
    const message = { role: "assistant", content: text };
    const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };
    return { status: 200, body: JSON.stringify({ choices: [{ message }], usage }) };
  }

  test("what the next turn would leave out is told in short, and shown", async () => {
    model.answer(answer);
    const { session_id } = await api.say("One: I am Ada");
    assert.equal((await info(session_id)).summary, undefined);
    assert.equal(shown(), "Be kind.");
    await api.say("Two", { session_id });
    // The third question would be the fifth message.
    await summarised(session_id, 2);
    const [first] = model.requests.filter(asks);
    assert.match(last(first), /User: One: I am Ada\n\nAssistant: Yes, One: I am Ada$/);
    await api.say("Three", { session_id });
    assert.match(shown(), /^Be kind\.\n\nWhat was said before, in short:\nAda likes trams \(1\)$/);
    await summarised(session_id, 4);
    assert.match(last(model.requests.filter(asks)[1]), /in short: Ada likes trams \(1\)\n\nUser: Two/);
    const { summary } = await info(session_id);
    assert.deepEqual(summary, { messages: 4, characters: "Ada likes trams (2)".length });
  });

  test("a streamed turn has its summary too", async () => {
    model.answer((request) => (asks(request) ? answer(request) : "Yes"));
    const { session_id } = await api.say("One");
    for (const message of ["Two", "Three"]) {
      const streamed = await api.chat({ message, session_id, stream: true });
      assert.match(streamed.text, /event: done/);
      await summarised(session_id, message === "Two" ? 2 : 4);
    }
    assert.match(shown(), /in short:\nAda likes trams/);
  });

  test("a summary goes with what it is of", async () => {
    model.answer(answer);
    const { session_id } = await api.say("One", { message_id: "m1" });
    await api.say("Two", { session_id, message_id: "m2" });
    await summarised(session_id, 2);
    await api.say("Another", { session_id, message_id: "m3", cut_after: "-" });
    assert.equal((await info(session_id)).summary, undefined);
    assert.equal(shown(), "Be kind.");
  });

  test("tokens add up, of turns alone", async () => {
    model.answer(answer);
    const first = await api.say("One");
    assert.deepEqual(first.usage, { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 });
    const { session_id } = first;
    await api.say("Two", { session_id, message_id: "repeated" });
    await api.say("Two", { session_id, message_id: "repeated" });
    assert.equal((await info(session_id)).tokens_used, 14);
    model.answer((request) => (asks(request) ? answer(request) : "Streamed, whose end counts seven"));
    await api.chat({ message: "Three", session_id, stream: true });
    assert.equal((await info(session_id)).tokens_used, 21);
  });

  test("a model that fails to summarise fails no turn", async () => {
    model.answer((request) => (asks(request) ? { status: 500 } : answer(request)));
    const { session_id } = await api.say("One");
    for (const message of ["Two", "Three", "Four"]) await api.say(message, { session_id });
    const { summary, message_count } = await info(session_id);
    assert.deepEqual([summary, message_count], [undefined, 8]);
  });
});
