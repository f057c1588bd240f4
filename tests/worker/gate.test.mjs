// The gate: every route and verb with every wrong credential. A route without a row here fails.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { Api, assertProblem, ok } from "../harness/api.mjs";
import { FakeIssuer, secretToken, token, visitorToken } from "../harness/fake-issuer.mjs";
import { PROBES, ROUTES } from "../harness/routes.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

/**
 * What a request to each route needs besides credentials. `open`: none are needed. `admin`: a key is needed that may write.
 * `foreign`: what another owner's session is answered with, where that is not 404.
 * `figures`: a key that may only read is enough too; none acts for a user.
 * @type {Record<string, {body?: unknown, query?: string, headers?: Record<string, string>, open?: true, admin?: true, figures?: true, foreign?: number}>}
 */
const ROWS = {
  "GET /health": { open: true },
  "GET /live": { open: true },
  "GET /ready": { open: true },
  "POST /v1/visitors": { open: true },
  "POST /v1/visitors/claim": { body: {}, foreign: 400 }, // no visitor is shown; tests/worker/claim has those that are
  "POST /v1/chat": { body: { message: "Hello", session_id: "SESSION", existing: true } },
  "POST /v1/ai/chat": {
    body: { id: "ones-own", messages: [{ id: "a", role: "user", parts: [{ type: "text", text: "Hello" }] }] },
    foreign: 200,
  },
  "GET /v1/ai/chat/{id}/stream": { foreign: 204 },
  "POST /v1/ai/chat/{id}/stop": { body: {}, foreign: 200 },
  "GET /v1/ai/chat/{id}/messages": { foreign: 200 },
  "GET /v1/sessions/{id}/stream": { foreign: 204 },
  "POST /v1/sessions/{id}/stop": { body: {}, foreign: 200 },
  "GET /v1/events": { foreign: 404 }, // off here: a stream without an end is none that this can read
  "POST /v1/sessions": { body: {}, foreign: 201 },
  "GET /v1/sessions": { foreign: 200 },
  "DELETE /v1/sessions": { foreign: 200 },
  "GET /v1/sessions/{id}": {},
  "PATCH /v1/sessions/{id}": { body: { title: "Mine" } },
  "DELETE /v1/sessions/{id}": {},
  "POST /v1/sessions/{id}/restore": {},
  "POST /v1/sessions/{id}/fork": {},
  "POST /v1/sessions/{id}/truncate": { body: { after: "-" } },
  "POST /v1/sessions/{id}/touch": {},
  "GET /v1/sessions/{id}/history": {},
  "POST /v1/sessions/{id}/messages": { body: { message: "Hello", existing: true } },
  "GET /v1/sessions/{id}/state": {},
  "PUT /v1/sessions/{id}/state": { body: { mine: true }, headers: { "if-match": "*" }, foreign: 412 },
  "GET /v1/sessions/{id}/export": {},
  "GET /v1/export": { foreign: 200 },
  "POST /v1/import": { body: "", foreign: 200 },
  "GET /metrics": { admin: true, figures: true },
  "GET /v1/admin/owners": { admin: true },
  "GET /v1/admin/stats": { admin: true },
  "GET /v1/admin/sessions": { admin: true },
  "DELETE /v1/admin/sessions": { admin: true, query: "?confirm=chatkeep:&owner=nobody" },
  "GET /v1/admin/export": { admin: true, query: "?owner=nobody" },
  "POST /v1/admin/import": { admin: true, body: "" },
  "GET /v1/admin/events": { admin: true },
  "POST /v1/admin/rebuild": { admin: true },
  "POST /v1/admin/move": { admin: true },
  "POST /v1/admin/reseal": { admin: true },
  "POST /jarvis/api/chat": { body: { message: "Hello" }, foreign: 200 },
  "POST /jarvis/api/sessions/new": { foreign: 200 },
  "GET /jarvis/api/sessions": { foreign: 200 },
  "GET /jarvis/api/sessions/{id}": {},
  "GET /jarvis/api/sessions/{id}/history": {},
  "DELETE /jarvis/api/sessions/{id}": {},
  "POST /storage-guide/api/chat/sessions": { foreign: 200 },
  "GET /storage-guide/api/chat/sessions": { foreign: 200 },
  "POST /storage-guide/api/chat/sessions/{id}/messages": { body: { message: "Hello" } },
  "GET /storage-guide/api/chat/sessions/{id}/history": {},
  "DELETE /storage-guide/api/chat/sessions/{id}": {},
  "POST /openta/chat/basic": { body: { query: "Hello", meta_params: {} }, foreign: 200 },
  "GET /openta/chat/history/{id}": {},
  "POST /openta/chat/history/{id}": { body: { question: "Hello", answer: "Hello" }, foreign: 200 },
};

const SECRETS = { key: "gate-full-key", reader: "gate-read-key", visitors: randomBytes(32).toString("hex") };
const ISSUER = "https://issuer.example";
const SESSION = "gate-session";
const VISITOR = "0123456789abcdef0123456789abcdef";
const SOON = Math.floor(Date.now() / 1000) + 600;
const CLAIMS = { iss: ISSUER, aud: "chatkeep", sub: "ada@example.com", exp: SOON };

forEachStore("the gate", (store) => {
  /** @type {import("../harness/worker.mjs").Worker} */
  let worker;
  /** @type {FakeIssuer} */
  let issuer;
  /** @type {Api} */
  let api;

  before(async () => {
    issuer = await FakeIssuer.start();
    issuer.addKey("RS256", "rsa");
    issuer.addKey("ES256", "ec");
    const vars = {
      API_KEYS: `backend:${SECRETS.key}, reports:read:${SECRETS.reader}`,
      VISITOR_SECRET: SECRETS.visitors,
      JWT_ISSUER: ISSUER,
      JWT_AUDIENCE: "chatkeep",
      JWT_JWKS_URL: issuer.url,
      JWT_SKEW_SECONDS: "0",
      EVENTS: "off",
    };
    worker = await startWorker({ store, vars });
    api = new Api(worker.url);
    ok(await api.send("POST", "/v1/chat", { message: "Mine", session_id: SESSION }, bearer(issuer.token(CLAIMS))));
  });
  after(async () => {
    await worker?.stop();
    await issuer?.stop();
  });

  /** @param {string} text */
  const bearer = (text) => ({ authorization: `Bearer ${text}` });

  /**
   * @param {import("../harness/routes.mjs").Route} route
   * @param {Record<string, string>} headers
   */
  async function ask({ method, path }, headers) {
    const { body, query = "", headers: its } = ROWS[`${method} ${path}`];
    const sent = typeof body === "object" ? JSON.stringify(body).replace("SESSION", SESSION) : body;
    const url = path.replace("{id}", SESSION) + query;
    const given = { ...its, ...headers };
    if (!path.endsWith("/events")) return api.send(method, url, /** @type {string | undefined} */ (sent), given);
    // A stream of events has no end.
    const response = await fetch(api.url + url, { headers: given });
    if (response.status !== 200) return api.send(method, url, undefined, given);
    await response.body?.cancel();
    return { status: 200, headers: response.headers, text: "", body: undefined };
  }

  test("every route has its row", () => {
    const listed = ROUTES.map(({ method, path }) => `${method} ${path}`);
    assert.deepEqual([...listed].sort(), Object.keys(ROWS).sort());
  });

  /** Credentials that are wrong, and let nobody in. @type {Record<string, () => Record<string, string>>} */
  const wrong = {
    "no credentials": () => ({}),
    "an empty key": () => ({ "x-api-key": "" }),
    "a wrong key": () => ({ "x-api-key": `${SECRETS.key}x` }),
    "a wrong key beside a right token": () => ({ "x-api-key": "wrong-key", ...bearer(issuer.token(CLAIMS)) }),
    "a wrong key as a bearer": () => bearer(`${SECRETS.key}x`),
    "a key by basic authentication": () => ({ authorization: `Basic ${btoa(`:${SECRETS.key}`)}` }),
    "another scheme": () => ({ authorization: `Basic ${issuer.token(CLAIMS)}` }),
    "an expired token": () => bearer(issuer.token({ ...CLAIMS, exp: SOON - 1200 })),
    "a token without an expiry": () => bearer(issuer.token({ ...CLAIMS, exp: undefined })),
    "a token that is not valid yet": () => bearer(issuer.token({ ...CLAIMS, nbf: SOON })),
    "a token for another audience": () => bearer(issuer.token({ ...CLAIMS, aud: "shop" })),
    "a token of another issuer": () => bearer(issuer.token({ ...CLAIMS, iss: "https://evil.example" })),
    "a tampered token": () => {
      const [header, , signature] = issuer.token(CLAIMS).split(".");
      const [, claims] = issuer.token({ ...CLAIMS, sub: "bob" }).split(".");
      return bearer(`${header}.${claims}.${signature}`);
    },
    "a token without a signature": () => bearer(token(CLAIMS, { alg: "none" }, () => "")),
    "a token signed with the public key as a secret": () => {
      const publicKey = issuer.keys[0].publicKey.export({ format: "pem", type: "spki" });
      return bearer(secretToken(CLAIMS, publicKey, { kid: "rsa" }));
    },
    "a token that names the algorithm of another key": () =>
      bearer(issuer.token(CLAIMS, issuer.keys[0], { alg: "ES256", kid: "ec" })),
    "a token with a key that isn't published": () => bearer(issuer.token(CLAIMS, issuer.keys[0], { kid: "unknown" })),
    "an expired visitor": () => bearer(visitorToken(SECRETS.visitors, VISITOR, SOON - 1200)),
    "a tampered visitor": () => bearer(visitorToken(SECRETS.visitors, VISITOR, SOON).replace("0123", "3210")),
    "a visitor signed with another secret": () => bearer(visitorToken("another secret".repeat(4), VISITOR, SOON)),
    "a visitor's cookie on another's page": () => ({
      cookie: `__Host-chatkeep=${visitorToken(SECRETS.visitors, VISITOR, SOON)}`,
      origin: "https://evil.example",
    }),
  };
  for (const [what, headers] of Object.entries(wrong)) {
    test(`${what}: 401`, async () => {
      for (const route of ROUTES) {
        const answer = await ask(route, headers());
        const { open } = ROWS[`${route.method} ${route.path}`];
        // What is shown counts where nothing is needed too; but a cookie that doesn't count is as good as none.
        if (open && (PROBES.includes(route.action) || /^no |empty|cookie/.test(what))) assert.equal(answer.status, 200);
        else {
          assertProblem(answer, 401, "unauthorized");
          assert.match(
            answer.headers.get("www-authenticate") ?? "",
            /ApiKey realm="chatkeep", Bearer realm="chatkeep"/,
          );
        }
      }
    });
  }

  /** Credentials that are right, and somebody else's. @type {Record<string, () => Record<string, string>>} */
  const others = {
    "another user": () => bearer(issuer.token({ ...CLAIMS, sub: "bob" })),
    "a user whose name only looks alike": () =>
      bearer(issuer.token({ ...CLAIMS, sub: "аda@example.com" }, issuer.keys[1])),
    "a user named like the application": () => bearer(issuer.token({ ...CLAIMS, sub: "app" })),
    "a user who would split a key": () => bearer(issuer.token({ ...CLAIMS, sub: "ada}:s:x{\n\0" })),
    "a user with a very long name": () => bearer(issuer.token({ ...CLAIMS, sub: "ada@example.com".repeat(20) })),
    "a visitor": () => bearer(visitorToken(SECRETS.visitors, VISITOR, SOON)),
    "the application": () => ({ "x-api-key": SECRETS.key }),
    "a server for another user, by a bearer's key": () => ({ ...bearer(SECRETS.key), "chatkeep-user": "mallory" }),
    "a server for another user": () => ({ "x-api-key": SECRETS.key, "chatkeep-user": "eve" }),
  };
  const isServer = (/** @type {Record<string, string>} */ headers) =>
    headers["x-api-key"] === SECRETS.key || headers.authorization === `Bearer ${SECRETS.key}`;
  for (const [what, headers] of Object.entries(others)) {
    test(`${what}: the session does not exist`, async () => {
      for (const route of ROUTES) {
        const { open, admin, foreign } = ROWS[`${route.method} ${route.path}`];
        const answer = await ask(route, headers());
        if (open) assert.equal(answer.status, 200, route.path);
        else if (admin && (!isServer(headers()) || headers()["chatkeep-user"])) assertProblem(answer, 403, "forbidden");
        else if (admin) assert.equal(answer.status, 200, answer.text);
        else assert.equal(answer.status, foreign ?? 404, `${route.method} ${route.path}: ${answer.text}`);
        assert.ok(!answer.text.includes('Mine"'), answer.text);
      }
      const mine = await api.send("GET", `/v1/sessions/${SESSION}`, undefined, bearer(issuer.token(CLAIMS)));
      assert.equal(ok(mine).message_count, 2);
    });
  }

  test("a key that may only read changes nothing", async () => {
    const reader = { "x-api-key": SECRETS.reader, "chatkeep-user": "ada%40example.com" };
    for (const route of ROUTES) {
      const { open, admin, foreign } = ROWS[`${route.method} ${route.path}`];
      const answer = await ask(route, reader);
      if (open || (route.method === "GET" && !admin))
        assert.ok([200, 404, foreign].includes(answer.status), answer.text);
      else assertProblem(answer, 403, "forbidden");
    }
    assert.equal(ok(await api.send("GET", `/v1/sessions/${SESSION}`, undefined, reader)).message_count, 2);
  });

  test("a key that may only read scrapes the figures, and nothing else of the administration", async () => {
    for (const route of ROUTES) {
      const { admin, figures } = ROWS[`${route.method} ${route.path}`];
      if (!admin) continue;
      const answer = await ask(route, { "x-api-key": SECRETS.reader });
      if (figures) assert.match(ok(answer) ?? answer.text, /^# (HELP|TYPE) /m);
      else assertProblem(answer, 403, "forbidden");
    }
  });

  test("a token acts for its own user only", async () => {
    const acting = (/** @type {string} */ user) => ({ ...bearer(issuer.token(CLAIMS)), "chatkeep-user": user });
    for (const route of ROUTES) {
      const { open, admin, foreign = 200 } = ROWS[`${route.method} ${route.path}`];
      if (PROBES.includes(route.action)) continue;
      assertProblem(await ask(route, acting("bob")), 403, "forbidden");
      const reads =
        route.method === "GET" && !open && !admin && foreign === 200 && !/state$|^[/](?!v1)/.test(route.path);
      if (reads) ok(await ask(route, acting("ada%40example.com")));
    }
  });

  test("what is right lets in", async () => {
    const info = { method: "GET", path: "/v1/sessions/{id}", action: "" };
    for (const headers of [
      bearer(issuer.token(CLAIMS)),
      bearer(issuer.token({ ...CLAIMS, aud: ["shop", "chatkeep"] }, issuer.keys[1])),
      { "x-api-key": SECRETS.key, "chatkeep-user": "ada%40example.com" },
      { ...bearer(SECRETS.key), "chatkeep-user": "ada%40example.com" },
    ]) {
      assert.equal(ok(await ask(info, headers)).message_count, 2);
    }
  });

  test("no credential is told in an answer or a log", async () => {
    const tokens = [issuer.token(CLAIMS), visitorToken(SECRETS.visitors, VISITOR, SOON)];
    for (const text of tokens) {
      for (const route of ROUTES) {
        const answer = await ask(route, bearer(`${text.slice(0, -3)}abc`));
        assert.ok(!answer.text.includes(text.slice(-30, -3)), answer.text);
      }
    }
    const logs = worker.logs() + (worker.gateway?.logs() ?? "");
    for (const secret of [...Object.values(SECRETS), ...tokens]) assert.ok(!logs.includes(secret.slice(-24, -3)));
  });
});
