// Who may ask: API keys, the localhost rule, and a Worker whose configuration doesn't hold.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Api, assertProblem, ok } from "../harness/api.mjs";
import { rawRequest } from "../harness/raw-request.mjs";
import { startWorker } from "../harness/worker.mjs";

const KEYS = ["first-secret-key", "second-secret-key"];
const ROUTES = [
  ["POST", "/v1/chat", { message: "Hello" }],
  ["POST", "/v1/sessions", {}],
  ["GET", "/v1/sessions"],
  ["GET", "/v1/sessions/a"],
  ["DELETE", "/v1/sessions/a"],
  ["GET", "/v1/sessions/a/history"],
];

/** A Worker for the tests of one suite. */
function aWorker(vars) {
  const the = {};
  before(async () => {
    the.worker = await startWorker({ store: "vault", vars });
    the.url = the.worker.url;
    the.api = new Api(the.url);
  });
  after(() => the.worker?.stop());
  return the;
}

describe("with API keys", () => {
  const the = aWorker({ API_KEYS: KEYS.join(", ") });

  for (const [method, path, body] of ROUTES) {
    test(`${method} ${path} needs one`, async () => {
      const wrong = ["", "x", KEYS[0].slice(0, -1), `${KEYS[0]}x`, KEYS.join(", "), KEYS[0].toUpperCase()];
      for (const headers of [{}, ...wrong.map((key) => ({ "x-api-key": key }))]) {
        const answer = await the.api.send(method, path, body, headers);
        assertProblem(answer, 401, "unauthorized");
        assert.match(answer.headers.get("www-authenticate") ?? "", /^ApiKey /);
        for (const key of KEYS) assert.ok(!answer.text.includes(key));
      }
    });
  }

  test("each of them opens the same sessions, from any host", async () => {
    const [first, second] = KEYS.map((key) => new Api(the.url, { "x-api-key": key }));
    assert.equal((await first.list()).count, 0);
    const { session_id } = await first.say("Hello");
    assert.equal(ok(await second.info(session_id)).message_count, 2);
    const headers = { host: "chat.example.com", "x-api-key": KEYS[1] };
    assert.equal((await rawRequest(`${the.url}/v1/sessions`, { headers })).status, 200);
  });

  test("health stays open, and shows no key", async () => {
    const { status, body, text } = await the.api.get("/health");
    assert.deepEqual([status, body.status, body.authentication], [200, "healthy", "configured"]);
    for (const secret of KEYS) assert.ok(!text.includes(secret) && !the.worker.logs().includes(secret));
  });
});

describe("without API keys", () => {
  const the = aWorker({});

  for (const host of ["chat.example.com", "localhost.example.com", "10.1.2.3"]) {
    test(`${host} is not served, but its health is`, async () => {
      for (const [method, path, body] of ROUTES) {
        const chunks = body ? [JSON.stringify(body)] : [];
        const answer = await rawRequest(the.url + path, { method, headers: { host }, chunks });
        assert.match(assertProblem(answer, 503, "not_configured").detail, /API_KEYS/);
      }
      const health = await rawRequest(`${the.url}/health`, { headers: { host } });
      assert.deepEqual([health.status, health.body.authentication], [200, "not configured"]);
      assert.equal((await the.api.list()).count, 0);
    });
  }

  test("this machine is served by any of its names", async () => {
    for (const host of ["localhost", "127.0.0.1:8787", "[::1]:8787", "app.localhost"]) {
      const answer = await rawRequest(`${the.url}/v1/sessions`, { headers: { host } });
      assert.equal(answer.status, 200, `${host}: ${answer.text}`);
    }
  });
});

for (const [variable, value] of [
  ["SESSION_TTL_SECONDS", "abc"],
  ["UPSTASH_REDIS_REST_URL", "redis://localhost:6379"],
]) {
  describe(`with ${variable}=${value}`, () => {
    const the = aWorker({
      UPSTASH_REDIS_REST_TOKEN: variable.startsWith("UPSTASH") ? "hush-hush" : "",
      [variable]: value,
    });

    test("health names the variable", async () => {
      const { status, body } = await the.api.get("/health");
      assert.deepEqual([status, body.status, body.redis], [503, "degraded", "disconnected"]);
      assert.match(body.cause, new RegExp(variable));
    });

    test("nothing else is served", async () => {
      for (const [method, path, body] of ROUTES) {
        const problem = assertProblem(await the.api.send(method, path, body), 503, "not_configured");
        assert.match(problem.detail, new RegExp(variable));
      }
      assert.ok(!the.worker.logs().includes("hush-hush"));
    });
  });
}
