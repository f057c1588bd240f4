// The dialect /openta, row by row.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { Api, eventually, ok } from "../harness/api.mjs";
import { EventStream } from "../harness/events.mjs";
import { Gate } from "../harness/model-api.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { withModel } from "../harness/streaming.mjs";
import { startWorker } from "../harness/worker.mjs";
import { FakeModelApi, onEachStoreSpeaking, RFC_3339, shell, shown, TEXTS } from "./dialect.mjs";

const fresh = () => `conv_${randomUUID()}`;

/** Asks, and gives the answer's body. */
async function ask(api, query, meta_params) {
  return ok(await api.send("POST", "/chat/basic", { query, meta_params }));
}

onEachStoreSpeaking("openta", {}, (the) => {
  test("E1 chat: an unknown conversation is created, and remembered", async () => {
    const conversation_id = fresh();
    const first = await ask(the.dialect, TEXTS[0], { conversation_id });
    assert.deepEqual([first.sources, first.conversation_id], [[], conversation_id]);
    assert.ok(first.answer.includes(TEXTS[0]));
    const second = await ask(the.root, "Can you give me an example?", { conversation_id, stream: false });
    assert.ok(second.answer.includes(`“${TEXTS[0]}”`), second.answer);
  });

  test("E1 chat: without a conversation there is no history, nothing is stored, and still an answer", async () => {
    const before = ok(await the.dialect.get("/v1/sessions?limit=1")).count;
    for (const meta_params of [undefined, null, {}, { conversation_id: null }]) {
      const { answer, sources, ...rest } = await ask(the.dialect, "What is machine learning?", meta_params);
      assert.match(answer, /What is machine learning\?\s+.*first thing/);
      assert.deepEqual([sources, rest], [[], {}]);
    }
    assert.equal(ok(await the.dialect.get("/v1/sessions?limit=1")).count, before);
    assert.equal((await the.dialect.send("POST", "/chat/basic", {})).body.code, "message_empty");
  });

  test("E1 chat: the document's own curl calls", async () => {
    const call = (url, query) => `curl -s -X POST ${url}/chat/basic \\
  -H "Content-Type: application/json" \\
  -d '{
    "query": "${query}",
    "meta_params": {
      "stream": false,
      "conversation_id": "test_conv_123"
    }
  }'`;
    await shell(call(the.dialect.url, "What is machine learning?"));
    const second = JSON.parse(await shell(call(the.dialect.url, "Can you give me an example?")));
    assert.match(second.answer, /“What is machine learning\?”/);
    if (the.store === "upstash") {
      const keys = await the.worker.redis.cli("KEYS", "conversation:*:s:test_conv_123");
      assert.equal(keys, "conversation:{app}:s:test_conv_123");
    }
  });

  test("E2 history and E3 append: a pair is one append, and the last 10 pairs are the history", async () => {
    const conversation_id = fresh();
    const path = `/chat/history/${conversation_id}`;
    for (let number = 1; number <= 12; number += 1) {
      const pair = { question: `question ${number}`, answer: `answer ${number}`, sources: [`Paper_${number}`] };
      const added = ok(await the.dialect.send("POST", path, pair));
      assert.deepEqual(added, { conversation_id, total: number });
    }
    const { history } = ok(await the.dialect.get(path));
    assert.deepEqual([history.length, history[0].question, history[9].answer], [10, "question 3", "answer 12"]);
    assert.deepEqual(history[9].sources, ["Paper_12"]);
    assert.match(history[9].timestamp, RFC_3339);
    assert.equal(ok(await the.dialect.get(`${path}?limit=2`)).history.length, 2);
    const empty = await the.dialect.send("POST", path, { question: "half a pair", answer: "" });
    assert.equal(empty.body.code, "message_empty");
    assert.equal(ok(await the.dialect.get(`${path}?limit=1`)).history[0].question, "question 12");
  });

  test("E3 append: repeated with its key it is stored once", async () => {
    const path = `/chat/history/${fresh()}`;
    const pair = { question: "once", answer: "only" };
    const key = { "idempotency-key": randomUUID() };
    for (const total of [1, 1]) assert.equal(ok(await the.dialect.send("POST", path, pair, key)).total, total);
  });

  test("E6 stream: the answer as server-sent events, and what is remembered is the same", async () => {
    const conversation_id = fresh();
    const asked = { query: TEXTS[3], meta_params: { conversation_id, stream: true, language: "id-ID" } };
    const { status, headers, text } = await the.dialect.send("POST", "/chat/basic", asked);
    assert.deepEqual([status, headers.get("content-type")], [200, "text/event-stream; charset=utf-8"]);
    const events = text
      .trim()
      .split("\n\n")
      .map((event) => {
        const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? [];
        return { name, data: JSON.parse(data) };
      });
    const done = events.at(-1);
    assert.deepEqual([done?.name, done?.data.sources, done?.data.conversation_id], ["done", [], conversation_id]);
    const deltas = events.filter(({ name }) => name === "delta").map(({ data }) => data.text);
    assert.equal(deltas.join(""), done?.data.answer);
    const { history } = ok(await the.dialect.get(`/chat/history/${conversation_id}`));
    assert.deepEqual(
      history.map(({ question, answer }) => [question, answer]),
      [[TEXTS[3], done?.data.answer]],
    );
  });

  test("E4 incognito: earlier history is used, nothing is written, TTL and list unchanged", async () => {
    const conversation_id = fresh();
    await ask(the.dialect, "My name is Ada", { conversation_id });
    await ask(the.dialect, "Something newer", { conversation_id: fresh() });
    const seen = async () => {
      const { expires_at, revision } = ok(await the.dialect.get(`/v1/sessions/${conversation_id}`));
      const list = ok(await the.dialect.get("/v1/sessions?limit=200")).sessions;
      return { expires_at, revision, ids: list.map(({ session_id }) => session_id) };
    };
    const before = await seen();
    const secret = `secret ${randomUUID()}`;
    const { answer } = await ask(the.dialect, secret, { conversation_id, is_incognito: true });
    assert.match(answer, /“My name is Ada”/);
    assert.deepEqual(await seen(), before);
    assert.doesNotMatch((await the.dialect.get("/v1/export")).text, new RegExp(secret));
    const unknown = await ask(the.dialect, secret, { conversation_id: fresh(), is_incognito: true });
    assert.match(unknown.answer, /first thing/);
    assert.deepEqual(await seen(), before);
  });
});

forEachStore("openta, before an agent of one's own", (store) => {
  const the = withModel(store, { RESPONDER: "webhook" });
  const SOURCES = [{ url: "https://papers.example/1", title: "Điều kiện" }, "https://papers.example/2"];
  const SHOWN = [SOURCES[0], { url: SOURCES[1] }];
  const agent = (/** @type {Gate} */ gate) =>
    async function* () {
      yield `data: ${JSON.stringify({ delta: "Pembelajaran " })}\n\n`;
      await gate.opened;
      yield `data: ${JSON.stringify({ delta: "mesin", sources: SOURCES })}\n\ndata: [DONE]\n\n`;
    };
  const stream = (meta_params, query = "Apa itu?") =>
    EventStream.open(`${the.worker.url}/openta/chat/basic`, {
      json: { query, meta_params: { stream: true, ...meta_params } },
    });
  const dialect = () => new Api(`${the.worker.url}/openta`);

  test("E6 stream: words and sources come as the agent says them, in the language that was asked for", async () => {
    const [conversation_id, gate] = [fresh(), new Gate()];
    the.model.answer(() => ({ stream: agent(gate)() }));
    const reader = await stream({ conversation_id, language: "id-ID" });
    // It is read while the agent still speaks.
    await reader.untilText("Pembelajaran ");
    assert.deepEqual(the.model.requests.at(-1)?.body.metadata, { language: "id-ID" });
    gate.open();
    const events = await reader.all();
    assert.deepEqual(
      events.filter(({ name }) => name === "source").map(({ data }) => data),
      SHOWN,
    );
    const answer = "Pembelajaran mesin";
    assert.deepEqual(events.at(-1), { name: "done", id: "", data: { answer, sources: SHOWN, conversation_id } });
    const { history } = ok(await dialect().get(`/chat/history/${conversation_id}`));
    assert.deepEqual([history[0].answer, history[0].sources], [answer, SHOWN]);
  });

  test("E6 stream: its reader leaves, and the answer is remembered all the same", async () => {
    const [conversation_id, gate] = [fresh(), new Gate()];
    the.model.answer(() => ({ stream: agent(gate)() }));
    const reader = await stream({ conversation_id });
    await reader.untilText("Pembelajaran ");
    reader.close();
    gate.open();
    const { history } = await eventually(
      async () => ok(await dialect().get(`/chat/history/${conversation_id}`)),
      (page) => page.history[0]?.answer !== undefined,
    );
    assert.equal(history[0].answer, "Pembelajaran mesin");
  });

  test("E6 stream: without a conversation, and incognito, nothing is written; the sources come", async () => {
    const conversation_id = fresh();
    const gate = new Gate();
    gate.open();
    the.model.answer(() => ({ stream: agent(gate)() }));
    const unstreamed = await ask(dialect(), "Apa itu?", { conversation_id });
    assert.deepEqual(unstreamed.sources, SHOWN);
    const before = ok(await dialect().get(`/v1/sessions/${conversation_id}`)).revision;
    for (const [meta_params, more] of [
      [{}, {}],
      [{ conversation_id, is_incognito: true }, { conversation_id }],
    ]) {
      const events = await (await stream(meta_params)).all();
      assert.deepEqual(events.at(-1)?.data, { answer: "Pembelajaran mesin", sources: SHOWN, ...more });
      assert.equal(the.model.requests.at(-1)?.body.history.length, more.conversation_id ? 2 : 0);
    }
    assert.equal(ok(await dialect().get(`/v1/sessions/${conversation_id}`)).revision, before);
  });

  test("E6 stream: an agent that fails is an error in the stream, or at once", async () => {
    the.model.answer(() => ({ stream: ['data: {"delta":"Half"}\n\n', 'data: {"error":"no"}\n\n'] }));
    const events = await (await stream({ conversation_id: fresh() })).all();
    assert.deepEqual([events.at(-1)?.name, events.at(-1)?.data.code], ["error", "responder_failed"]);
    the.model.fail(500);
    assert.deepEqual((await (await stream({})).all()).length, 0);
  });
});

forEachStore("openta, in production", (store) => {
  test("E8 production list: the caller owns the conversation", async () => {
    const vars = { VISITOR_SECRET: randomBytes(32).toString("hex"), API_KEYS: "a-server-s-own-key" };
    const worker = await startWorker({ store, vars });
    try {
      const visitor = async () => {
        const { token } = ok(await new Api(worker.url).send("POST", "/v1/visitors"));
        return new Api(`${worker.url}/openta`, { authorization: `Bearer ${token}` });
      };
      const [ada, bob] = [await visitor(), await visitor()];
      await ask(ada, "My name is Ada", { conversation_id: "shared" });
      // The same id is another conversation for somebody else.
      assert.match((await ask(bob, "What is my name?", { conversation_id: "shared" })).answer, /first thing/);
      assert.equal(ok(await ada.get("/chat/history/shared")).history.length, 1);
      const nobody = new Api(`${worker.url}/openta`);
      assert.equal((await nobody.send("POST", "/chat/basic", { query: "Hi" })).status, 401);
    } finally {
      await worker.stop();
    }
  });
});

forEachStore("openta, configured", (store) => {
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
      SESSION_TTL: "1800",
      MAX_MESSAGES_PER_SESSION: "15",
    };
    worker = await startWorker({ store, vars });
    api = new Api(`${worker.url}/openta`);
  });
  after(async () => {
    await worker?.stop();
    await model?.stop();
  });

  test("E2 history: the model is shown the last 10 pairs, and the question", async () => {
    const conversation_id = fresh();
    for (let number = 1; number <= 12; number += 1) await ask(api, `question ${number}`, { conversation_id });
    const seen = shown(model);
    assert.deepEqual([seen.length, seen[0], seen.at(-1)], [21, "question 2", "question 12"]);
  });

  test("E5 cap: pairs, the oldest dropped", async () => {
    const conversation_id = fresh();
    for (let number = 1; number <= 18; number += 1) await ask(api, `question ${number}`, { conversation_id });
    const { history } = ok(await api.get(`/chat/history/${conversation_id}?limit=100`));
    assert.deepEqual([history.length, history[0].question], [15, "question 4"]);
    assert.ok(ok(await api.get(`/v1/sessions/${conversation_id}`)).expires_in_seconds <= 1800);
  });

  test("E6 language reaches the responder", async () => {
    await ask(api, "Apa itu pembelajaran mesin?", { conversation_id: fresh(), language: "id-ID" });
    const system = model.requests.at(-1)?.body.messages.find(({ role }) => role === "system");
    assert.match(system?.content, /id-ID/);
    await ask(api, "Hello", { conversation_id: fresh() });
    assert.equal(model.requests.at(-1)?.body.messages[0].role, "user");
    const wrong = await api.send("POST", "/chat/basic", { query: "Hi", meta_params: { language: "id-ID. Obey" } });
    assert.deepEqual([wrong.status, wrong.body.code], [400, "invalid_body"]);
  });
});
