// What operators see: log lines, traces, figures.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Api, eventually, ok } from "../harness/api.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { FakeModelApi } from "../harness/model-api.mjs";
import { startRedis } from "../harness/redis.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";

forEachStore("observability", (store) => {
  /** @type {import("../harness/worker.mjs").Worker} */
  let worker;
  /** @type {Api} */
  let api;
  /** @type {FakeModelApi} */
  let model;
  /** @type {import("../harness/redis.mjs").Redis} */
  let redis;

  before(async () => {
    model = await FakeModelApi.start();
    model.say("Marker-reply");
    const vars = { RESPONDER: "openai", OPENAI_BASE_URL: model.url, OPENAI_API_KEY: "Marker-key" };
    const gateway = store === "upstash" ? await loggingGateway() : undefined;
    worker = await startWorker({ store, vars, gateway });
    api = new Api(worker.url);
  });
  after(async () => {
    await worker?.stop();
    await model?.stop();
    await worker?.gateway?.stop();
    await redis?.stop();
  });

  async function loggingGateway() {
    redis = await startRedis();
    return startGateway({ redisUrl: redis.url, vars: { GATEWAY_LOG: "access" } });
  }

  /** The log's lines that hold: those that are JSON, which is all that the Worker itself says. */
  const lines = (/** @type {(line: any) => boolean} */ holds) =>
    worker
      .logs()
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line))
      .filter(holds);

  test("a turn has one line, which says what it was about and how long its parts took", async () => {
    const traceparent = `00-${TRACE}-${PARENT}-01`;
    const body = { message: "Marker-message", session_id: "logged", message_id: "m1", metadata: { n: "Marker-meta" } };
    ok(await api.chat(body, { traceparent }));
    const [line] = await eventually(
      () => lines((line) => line.session_id === "logged"),
      (found) => found.length > 0,
    );
    assert.match(line.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const { timestamp, request_id, owner, duration_ms, store_ms, responder_ms, ...rest } = line;
    assert.deepEqual(rest, {
      level: "info",
      logger: "chatkeep",
      message: "A request was answered",
      component: "worker",
      event_type: "message_added",
      trace_id: TRACE,
      session_id: "logged",
      route: "POST /v1/chat",
      status: 200,
      messages: 2,
    });
    assert.match(request_id, /^[0-9a-f]{16}$/);
    assert.match(owner, /^[0-9a-f]{16}$/);
    assert.ok(store_ms + responder_ms <= duration_ms, JSON.stringify(line));

    const passed = model.requests.at(-1)?.headers.traceparent;
    assert.equal(passed, `00-${TRACE}-${request_id}-01`);
    if (store === "upstash") assert.ok(worker.gateway?.logs().includes(`"trace":"${TRACE}"`));
  });

  test("the first line says with what the Worker works", () => {
    const [line] = lines(({ event_type }) => event_type === "started");
    assert.match(line.detail, /^sessions are kept in .+ and live 604800 s after their last use$/);
  });

  test("history and refusals are told from turns", async () => {
    await api.history("logged");
    const refused = await api.info("unknown-session");
    const id = refused.headers.get("x-request-id");
    const [read, refusal] = await eventually(
      () => lines((line) => line.event_type === "history_read" || line.request_id === id),
      (found) => found.length >= 2,
    );
    assert.deepEqual([read.session_id, read.route], ["logged", "GET /v1/sessions/{id}/history"]);
    assert.deepEqual([refusal.event_type, refusal.code, refusal.status], ["refused", "session_not_found", 404]);
  });

  test("a failure of the responder is an error, and says which", async () => {
    model.fail(500, '{"error":{"message":"Marker-upstream"}}');
    const answer = await api.chat({ message: "Marker-again", session_id: "failing" });
    model.say("Marker-reply");
    assert.equal(answer.status, 502);
    const [line] = await eventually(
      () => lines((line) => line.session_id === "failing"),
      (found) => found.length > 0,
    );
    assert.deepEqual([line.level, line.code], ["error", "responder_failed"]);
  });

  test("figures are of what was asked, in Prometheus' text format", async () => {
    const figures = await metrics();
    assert.equal(figures.get('chatkeep_requests_total{route="POST /v1/chat",status="200"}'), 1);
    assert.equal(figures.get('chatkeep_requests_total{route="POST /v1/chat",status="502"}'), 1);
    assert.equal(figures.get('chatkeep_errors_total{code="responder_failed"}'), 1);
    assert.equal(figures.get('chatkeep_store_seconds_count{operation="begin_turn",outcome="ok"}'), 2);
    assert.equal(figures.get('chatkeep_responder_seconds_count{outcome="ok"}'), 1);
    const bucket = 'chatkeep_request_seconds_bucket{route="POST /v1/chat",le="+Inf"}';
    assert.equal(figures.get(bucket), figures.get('chatkeep_request_seconds_count{route="POST /v1/chat"}'));
    await api.say("Once more", { session_id: "logged" });
    const later = await metrics();
    assert.equal(later.get('chatkeep_requests_total{route="POST /v1/chat",status="200"}'), 2);
  });

  test("figures outlive the isolate", async () => {
    await worker.restart();
    const figures = await metrics();
    assert.equal(figures.get('chatkeep_requests_total{route="POST /v1/chat",status="200"}'), 2);
  });

  test("nothing that someone said, no key and no token is in the log", () => {
    assert.ok(!/Marker|And again|Once more/.test(worker.logs()));
    const token = worker.gateway?.token;
    assert.ok(!token || !worker.logs().includes(token));
  });

  /** Every sample by its series, each of which must have the form that Prometheus reads. */
  async function metrics() {
    const answer = await api.get("/metrics");
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    const samples = new Map();
    for (const line of answer.text.trimEnd().split("\n")) {
      if (/^# (HELP|TYPE) chatkeep_\w+ .+$/.test(line)) continue;
      const sample = /^(chatkeep_\w+\{(?:\w+="[^"\\]*",?)+\}) ([\d.]+)$/.exec(line);
      assert.ok(sample?.[1], line);
      assert.ok(!samples.has(sample[1]), `twice: ${line}`);
      samples.set(sample[1], Number(sample[2]));
    }
    return samples;
  }
});

test("a level keeps lesser lines out of the log", async () => {
  const worker = await startWorker({ store: "vault", vars: { LOG_LEVEL: "error" } });
  try {
    await new Api(worker.url).say("Hello");
    await worker.stop();
    assert.ok(!worker.logs().includes('"event_type"'), worker.logs());
  } finally {
    await worker.stop();
  }
});
