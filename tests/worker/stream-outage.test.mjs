// Streamed turns while Redis is away: the journal takes them, and the stream says so.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { Api, assertProblem, eventually, ok } from "../harness/api.mjs";
import { EventStream } from "../harness/events.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { FakeModelApi, Gate, words } from "../harness/model-api.mjs";
import { startRedis } from "../harness/redis.mjs";
import { onRedis } from "../harness/stores.mjs";
import { aTurn, kept } from "../harness/streaming.mjs";
import { startWorker } from "../harness/worker.mjs";

onRedis("a streamed turn while Redis is away", () => {
  let redis;
  let gateway;
  let model;
  let worker;
  let api;
  before(async () => {
    redis = await startRedis();
    gateway = await startGateway({ redisUrl: redis.url, faults: true });
    model = await FakeModelApi.start();
    const vars = { RESPONDER: "openai", OPENAI_BASE_URL: model.url };
    worker = await startWorker({ store: "upstash", gateway, vars });
    api = new Api(worker.url);
    // The scripts become known to Redis, so that faults meet the usual requests.
    await (await stream(aTurn())).all();
  });
  after(async () => {
    await worker?.stop();
    await gateway?.stop();
    await redis?.stop();
    await model?.stop();
  });
  afterEach(async () => {
    model.answer(() => `Answer ${model.requests.length}`);
    await gateway.clear();
    await eventually(
      () => api.chat({ message: "Are you there?", session_id: "recovered" }),
      ({ body }) => body.response && !body.degraded,
    );
  });
  const stream = (turn, path = "/v1/chat", headers = {}) =>
    EventStream.open(worker.url + path, { json: { ...turn, stream: true }, headers });

  /** Waits until a session, asked for with its marker, comes from Redis again. */
  const drained = (id, marker) =>
    eventually(
      () => api.send("GET", `/v1/sessions/${id}/history`, undefined, { "chatkeep-journal": marker }),
      ({ body }) => body.messages && !body.degraded,
    );

  test("is answered from the journal, says so, and is replayed", async () => {
    const turn = aTurn();
    await gateway.kill();
    try {
      model.answer(() => ({ stream: words("While it ", "was away") }));
      const answer = await stream(turn);
      assert.equal(answer.status, 200);
      const marker = answer.headers.get("chatkeep-journal") ?? "";
      assert.match(marker, /^[^-]/);
      const events = await answer.all();
      assert.equal(answer.text, "While it was away");
      assert.deepEqual(
        [events[0].data.degraded, events.at(-1).name, events.at(-1).data.degraded],
        [true, "done", true],
      );
      const later = events.at(-1).data.journal;
      assert.match(later, /^[^-]/);
      assert.deepEqual(await kept(api, turn.session_id), [
        ["user", "Hello"],
        ["assistant", "While it was away"],
      ]);
      const again = await (await stream(turn)).all();
      assert.deepEqual([again.at(-1).data.replayed, again.at(-1).data.response], [true, "While it was away"]);
      await gateway.restart();
      const { body } = await drained(turn.session_id, later);
      assert.deepEqual(
        body.messages.map(({ content }) => content),
        ["Hello", "While it was away"],
      );
    } finally {
      await gateway.restart();
    }
  });

  test("loses Redis in its middle, and says so at its end", async () => {
    const turn = aTurn();
    const gate = new Gate();
    model.answer(() => ({ stream: words("Part ", gate, "and rest") }));
    const answer = await stream(turn);
    assert.equal(answer.headers.get("chatkeep-journal"), null);
    await answer.untilText("Part ");
    await gateway.order({ fault: "drop_request", count: 10_000 });
    gate.open();
    const { name, data } = (await answer.all()).at(-1);
    assert.deepEqual([name, data.response, data.degraded], ["done", "Part and rest", true]);
    assert.match(data.journal, /^[^-]/);
    await gateway.clear();
    const { body } = await drained(turn.session_id, data.journal);
    assert.equal(body.messages.length, 2);
  });

  test("is stopped, and what had come is kept in the journal", async () => {
    const turn = aTurn();
    await gateway.order({ fault: "drop_request", count: 10_000 });
    model.answer(() => ({ stream: words("Part ", new Gate()) }));
    const answer = await stream(turn);
    await answer.untilText("Part ");
    assert.equal(ok(await api.send("POST", `/v1/sessions/${turn.session_id}/stop`)).stopped, 1);
    const { data } = (await answer.all()).at(-1);
    assert.deepEqual([data.stopped, data.degraded], [true, true]);
    await gateway.clear();
    const { body } = await drained(turn.session_id, data.journal);
    assert.deepEqual([body.messages[1].content, body.messages[1].status], ["Part ", "stopped"]);
  });

  test("of the AI SDK says so beside its message", async () => {
    await gateway.order({ fault: "drop_request", count: 10_000 });
    model.say("Hi");
    const message = { id: "u1", role: "user", parts: [{ type: "text", text: "Hello" }] };
    const answer = await stream({ id: aTurn().session_id, messages: [message] }, "/v1/ai/chat");
    assert.match(answer.headers.get("chatkeep-journal") ?? "", /^[^-]/);
    const told = (await answer.all()).filter(({ data }) => data.type === "data-session");
    assert.deepEqual(
      told.map(({ data }) => data.data.degraded),
      [true, true],
    );
  });

  test("whose session the journal can't know is refused, and can be sent again", async () => {
    await gateway.order({ fault: "drop_request", count: 10_000 });
    const turn = { session_id: aTurn().session_id, regenerate: "m", stream: true };
    const refused = assertProblem(await api.chat(turn), 503, "store_unavailable");
    assert.equal(refused.retryable, true);
  });

  const refusals = {
    "is read-only": [
      ["REPLICAOF", "127.0.0.1", "1"],
      ["REPLICAOF", "NO", "ONE"],
    ],
    "is full": [
      ["CONFIG", "SET", "maxmemory", "1mb"],
      ["CONFIG", "SET", "maxmemory", "0"],
    ],
  };
  for (const [state, [refuse, allow]] of Object.entries(refusals)) {
    for (const [kind, ask] of Object.entries({
      streamed: (turn) =>
        stream(turn)
          .then((answer) => answer.all())
          .then((events) => events.at(-1).data),
      plain: async (turn) => ok(await api.chat(turn)),
    })) {
      test(`a ${kind} reply that runs when Redis ${state} is journaled, repeatable at once, and keeps its place`, async () => {
        const session_id = aTurn().session_id;
        const turn = { message: "First", session_id, message_id: "m1" };
        const [asked, gate] = [model.requests.length, new Gate()];
        model.answer(async () => {
          if (kind === "streamed") return { stream: words("Part ", gate, "and rest") };
          await gate.opened;
          return "Part and rest";
        });
        const answered = ask(turn);
        try {
          await model.received(asked + 1);
          await redis.cli(...refuse);
          gate.open();
          const done = await answered;
          assert.deepEqual([done.response, done.degraded], ["Part and rest", true]);
          const again = await ask(turn);
          assert.deepEqual([again.response, again.replayed], ["Part and rest", true]);
          assert.equal(model.requests.length, asked + 1, "the model is asked once");
          model.say("Second reply");
          const second = await ask({ message: "Second", session_id, message_id: "m2" });
          assert.equal(second.degraded, true);
          await redis.cli(...allow);
          const { body } = await drained(session_id, second.journal);
          assert.deepEqual(
            body.messages.map(({ id }) => id),
            ["m1", "r-m1", "m2", "r-m2"],
          );
        } finally {
          gate.open();
          await redis.cli(...allow);
        }
      });
    }
    test(`what was done before Redis ${state} is not done again`, async () => {
      const session_id = aTurn().session_id;
      const turn = { message: "First", session_id, message_id: "m1" };
      const append = [
        "POST",
        `/v1/sessions/${session_id}/messages`,
        { messages: [{ role: "user", content: "Noted" }] },
        { "idempotency-key": "k1" },
      ];
      const { response } = ok(await api.chat(turn));
      ok(await api.send(...append));
      await redis.cli(...refuse);
      try {
        const again = ok(await api.chat(turn));
        assert.deepEqual([again.response, again.replayed], [response, true]);
        ok(await api.send(...append));
        assert.deepEqual(await api.texts(session_id), ["First", response, "Noted"]);
      } finally {
        await redis.cli(...allow);
      }
      await eventually(
        () => api.get("/health"),
        ({ body }) => body.status === "healthy",
      );
      assert.deepEqual(await api.texts(session_id), ["First", response, "Noted"]);
    });
  }
});
