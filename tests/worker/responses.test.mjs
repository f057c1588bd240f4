// The headers of answers: types, caching, HEAD, cross-origin requests, and what of it is the app's.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Api } from "../harness/api.mjs";
import { startWorker } from "../harness/worker.mjs";

const ORIGIN = "https://shop.example";
/** @type {import("../harness/worker.mjs").Worker} */
let worker;
/** @type {Api} */
let api;
before(async () => {
  worker = await startWorker({ store: "vault", vars: { CORS_ORIGINS: `${ORIGIN},http://localhost:5173` } });
  api = new Api(worker.url);
});
after(() => worker?.stop());

test("every answer is JSON that nobody keeps", async () => {
  const { session_id } = await api.say("Hello");
  for (const [method, path, body] of [
    ["POST", "/v1/chat", { message: "Hello" }],
    ["POST", "/v1/sessions", {}],
    ["GET", "/v1/sessions"],
    ["GET", `/v1/sessions/${session_id}`],
    ["GET", `/v1/sessions/${session_id}/history`],
    ["DELETE", `/v1/sessions/${session_id}`],
    ["GET", "/health"],
    ["GET", "/v1/nothing"],
  ]) {
    const { status, headers } = await api.send(method, path, body);
    const type = status < 400 ? "application/json" : "application/problem+json";
    assert.deepEqual(
      [headers.get("content-type"), headers.get("cache-control")],
      [type, "no-store"],
      `${method} ${path}`,
    );
  }
});

test("HEAD answers as GET does, without a body", async () => {
  const got = await api.send("HEAD", "/v1/sessions");
  assert.deepEqual([got.status, got.headers.get("content-type"), got.text], [200, "application/json", ""]);
  assert.equal((await api.send("HEAD", "/v1/sessions/unknown")).status, 404);
});

test("the root is the app's", async () => {
  const { status, headers } = await api.get("/");
  assert.equal(status, 200);
  assert.match(headers.get("content-type") ?? "", /^text\/html/);
});

test("pages of listed origins may call, those of others not", async () => {
  const from = (origin, method = "GET") => api.send(method, "/v1/sessions", undefined, { origin });
  for (const origin of [ORIGIN, "http://localhost:5173"]) {
    const { headers } = await from(origin);
    assert.equal(headers.get("access-control-allow-origin"), origin);
    assert.match(headers.get("vary") ?? "", /origin/i);
    const preflight = await from(origin, "OPTIONS");
    assert.deepEqual([preflight.status, preflight.text], [204, ""]);
    assert.match(preflight.headers.get("access-control-allow-methods") ?? "", /DELETE/);
    assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /idempotency-key/);
  }
  for (const origin of ["https://evil.example", `${ORIGIN}.evil`, "null"]) {
    assert.equal((await from(origin)).headers.get("access-control-allow-origin"), null, origin);
    assert.equal((await from(origin, "OPTIONS")).headers.get("access-control-allow-origin"), null, origin);
  }
  const problem = await api.send("GET", "/v1/sessions/unknown", undefined, { origin: ORIGIN });
  assert.equal(problem.headers.get("access-control-allow-origin"), ORIGIN);
});
