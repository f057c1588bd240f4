// The AI SDK's published chat, majors 6 and 7, against real workerd: send, history, regenerate, edit, resume, stop, tools.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, afterEach, before, describe, test } from "node:test";
import * as react6 from "ai-sdk-react3";
import * as react7 from "ai-sdk-react4";
import * as ai6 from "ai6";
import * as ai7 from "ai7";
import { Api, eventually, ok } from "../harness/api.mjs";
import { chunk, END, FakeModelApi, Gate, word, words } from "../harness/model-api.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

const MAJORS = { 6: { ai: ai6, Chat: react6.Chat }, 7: { ai: ai7, Chat: react7.Chat } };

const texts = (messages) => messages.map(({ parts }) => parts.map(({ text }) => text ?? "").join(""));

forEachStore("the AI SDK's chat", (store) => {
  let model;
  let worker;
  let api;
  before(async () => {
    model = await FakeModelApi.start();
    worker = await startWorker({ store, vars: { RESPONDER: "openai", OPENAI_BASE_URL: model.url } });
    api = new Api(worker.url);
  });
  afterEach(() => model.answer(({ body }) => `On ${body.messages.at(-1).content}`));
  after(async () => {
    await worker?.stop();
    await model?.stop();
  });

  for (const [major, { ai, Chat }] of Object.entries(MAJORS)) {
    describe(`of ai ${major}`, { concurrency: false }, () => {
      const open = (id = `chat-${randomUUID()}`, messages = [], more = {}) => {
        const chat = new Chat({
          id,
          messages,
          transport: new ai.DefaultChatTransport({ api: `${worker.url}/v1/ai/chat` }),
          onData: ({ type, data }) => chat.told.push([type, data]),
          onFinish: (finish) => chat.finishes.push(finish),
          ...more,
        });
        return Object.assign(chat, { told: [], finishes: [] });
      };
      const load = async (id) => ok(await api.get(`/v1/ai/chat/${id}/messages`)).messages;

      before(() => model.answer(({ body }) => `On ${body.messages.at(-1).content}`));

      test("sends, and the history is what it shows", async () => {
        const chat = open();
        assert.deepEqual(await load(chat.id), []);
        await chat.sendMessage({ text: "one" });
        await chat.sendMessage({ text: "two" });
        assert.equal(chat.error, undefined);
        assert.equal(chat.status, "ready");
        assert.deepEqual(texts(chat.messages), ["one", "On one", "two", "On two"]);
        assert.deepEqual(await api.texts(chat.id), texts(chat.messages));
        const loaded = await load(chat.id);
        assert.deepEqual(
          loaded.map(({ id, role }) => [id, role]),
          chat.messages.map(({ id, role }) => [id, role]),
        );
        await ai.validateUIMessages({ messages: loaded });
        assert.ok(Date.parse(loaded[0].metadata.createdAt) > 0);
        const [[type, first]] = chat.told;
        assert.deepEqual([type, first.session_id, first.created], ["data-session", chat.id, true]);
        assert.equal(chat.told.at(-1)[1].session.title, "one");
        assert.equal(chat.finishes.at(-1).finishReason, "stop");
        const { body } = model.requests.at(-1);
        assert.deepEqual(
          body.messages.map(({ content }) => content),
          ["one", "On one", "two"],
        );
      });

      test("regenerates without a new message, again and again", async () => {
        const chat = open();
        await chat.sendMessage({ text: "one" });
        for (const word of ["second", "third"]) {
          model.say(word);
          await chat.regenerate();
          assert.deepEqual(texts(chat.messages), ["one", word]);
          assert.deepEqual(await api.texts(chat.id), ["one", word]);
        }
        await chat.sendMessage({ text: "two" });
        model.say("earlier");
        await chat.regenerate({ messageId: chat.messages[1].id });
        assert.deepEqual(texts(chat.messages), ["one", "earlier"]);
        assert.deepEqual(await api.texts(chat.id), ["one", "earlier"]);
      });

      test("edits: the message keeps its id and what followed is gone", async () => {
        const chat = open();
        await chat.sendMessage({ text: "one" });
        await chat.sendMessage({ text: "two" });
        const { id } = chat.messages[0];
        await chat.sendMessage({ text: "better", messageId: id });
        assert.deepEqual(texts(chat.messages), ["better", "On better"]);
        const loaded = await load(chat.id);
        assert.deepEqual([loaded[0].id, ...texts(loaded)], [id, "better", "On better"]);
      });

      test("resumes after a reload in mid-stream", async () => {
        const gate = new Gate();
        model.answer(() => ({ stream: words("First ", gate, "last") }));
        const left = open();
        const sent = left.sendMessage({ text: "Tell me" });
        await eventually(
          () => texts(left.messages),
          ([, reply]) => reply === "First ",
        );
        await left.stop(); // as a page that is closed: it stops to read, and no more
        await sent;
        const chat = open(left.id, await load(left.id));
        const resumed = chat.resumeStream();
        await eventually(
          () => texts(chat.messages),
          ([, reply]) => reply === "First ",
        );
        gate.open();
        await resumed;
        assert.equal(chat.error, undefined);
        assert.deepEqual(texts(chat.messages), ["Tell me", "First last"]);
        assert.deepEqual(
          (await load(chat.id)).map(({ id }) => id),
          chat.messages.map(({ id }) => id),
        );
        await chat.resumeStream();
        assert.deepEqual([chat.status, ...texts(chat.messages)], ["ready", "Tell me", "First last"]);
      });

      test("stops what runs, and keeps the part that came", async () => {
        model.answer(() => ({ stream: words("Part ", new Gate()) }));
        const chat = open();
        const sent = chat.sendMessage({ text: "Tell me" });
        await eventually(
          () => texts(chat.messages),
          ([, reply]) => reply === "Part ",
        );
        const stop = (body) => api.send("POST", `/v1/ai/chat/${chat.id}/stop`, body);
        assert.equal(ok(await stop({ activeStreamId: "another" })).stopped, 0);
        assert.equal(ok(await stop({ activeStreamId: chat.messages[1].id })).stopped, 1);
        await sent;
        assert.deepEqual(texts(chat.messages), ["Tell me", "Part "]);
        const [, reply] = await load(chat.id);
        assert.deepEqual([...texts([reply]), reply.metadata.status], ["Part ", "stopped"]);
      });

      test("shows sources, calls tools and goes on with what they gave", async () => {
        const call = { index: 0, id: "c1", function: { name: "weather", arguments: '{"city":"Brno"}' } };
        const url_citation = { url: "https://a.example", title: "A" };
        const calls = [
          word("Let me see. "),
          chunk({ annotations: [{ type: "url_citation", url_citation }] }),
          chunk({ tool_calls: [call] }),
          chunk({}, { finish_reason: "tool_calls" }),
          "data: [DONE]\n\n",
        ];
        model.answer(() => ({ stream: calls }));
        const chat = open();
        await chat.sendMessage({ text: "Warm?" });
        const { id, parts } = chat.messages[1];
        const tool = parts.find(({ type }) => type === "tool-weather");
        assert.deepEqual([tool.state, tool.input], ["input-available", { city: "Brno" }]);
        assert.equal(parts.find(({ type }) => type === "source-url").url, "https://a.example");

        model.answer(() => ({ stream: [word("It is warm."), END] }));
        await chat.addToolOutput({ tool: "weather", toolCallId: "c1", output: { celsius: 21 } });
        await chat.sendMessage();
        assert.equal(chat.error, undefined);
        assert.deepEqual(texts(chat.messages), ["Warm?", "Let me see. It is warm."]);
        assert.equal(chat.messages[1].id, id);
        const asked = model.requests.at(-1).body.messages.slice(-2);
        assert.deepEqual(
          [asked[0].tool_calls[0].id, asked[1]],
          ["c1", { role: "tool", content: '{"celsius":21}', tool_call_id: "c1" }],
        );
        const loaded = await load(chat.id);
        await ai.validateUIMessages({ messages: loaded });
        assert.deepEqual([loaded.length, loaded[1].id, ...texts(loaded)], [2, id, "Warm?", "Let me see. It is warm."]);
        assert.equal(loaded[1].parts.find(({ type }) => type === "tool-weather").state, "output-available");
      });

      test("is told what went wrong, before the stream and in it", async () => {
        const refused = open("new");
        await refused.sendMessage({ text: "x" });
        assert.equal(JSON.parse(refused.error.message).code, "invalid_session_id");
        model.answer(() => ({ stream: [word("Part")] }));
        const chat = open();
        await chat.sendMessage({ text: "x" });
        assert.equal(JSON.parse(chat.error.message).code, "responder_failed");
        model.say("Whole");
        await chat.regenerate();
        assert.deepEqual(texts(chat.messages), ["x", "Whole"]);
      });

      test("sends only its last message where it is told to", async () => {
        const chat = open(undefined, [], {
          transport: new ai.DefaultChatTransport({
            api: `${worker.url}/v1/ai/chat`,
            prepareSendMessagesRequest: ({ id, messages }) => ({ body: { id, message: messages.at(-1) } }),
          }),
        });
        await chat.sendMessage({ text: "one" });
        await chat.sendMessage({ text: "two" });
        assert.deepEqual(await api.texts(chat.id), ["one", "On one", "two", "On two"]);
      });
    });
  }
});
