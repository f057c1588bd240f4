// Where only localhost identifies the caller: a foreign page or host gets nothing, and the administration is closed.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { Api, assertProblem, ok } from "../harness/api.mjs";
import { rawRequest } from "../harness/raw-request.mjs";
import { ROUTES } from "../harness/routes.mjs";
import { onEachStore } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

/** As `npm start` has it. */
const LOOPBACK = "http://localhost:*,http://*.localhost:*,http://127.0.0.1:*,http://[::1]:*";
const OPEN = {
  VISITOR_SECRET: randomBytes(32).toString("hex"),
  OPEN_LOCALHOST: "on",
  OPEN_ADMIN: "off",
  CORS_ORIGINS: LOOPBACK,
};

/** What a page of another site, or of a name that was rebound to this machine, makes a browser send. */
const FOREIGN = {
  "a foreign origin": { origin: "https://evil.example", "content-type": "text/plain" },
  "a sandboxed page": { origin: "null" },
  "a foreign site without an origin": { "sec-fetch-site": "cross-site" },
  "a foreign host": { host: "rebind.evil.example" },
  "a foreign host that begins like this one": { host: "localhost.evil.example" },
  "wrangler's header that rewrites the URL": { "mf-original-url": "http://localhost/v1/sessions" },
  "a header that rewrites the URL": { "x-original-url": "http://localhost/v1/sessions" },
  "another header that rewrites the URL": { "x-rewrite-url": "/v1/sessions" },
};

onEachStore("an open localhost", OPEN, (the) => {
  for (const [what, headers] of Object.entries(FOREIGN)) {
    test(`${what}: every route is refused, and nothing is changed`, async () => {
      for (const { method, path } of ROUTES) {
        const body = ["POST", "PUT", "PATCH"].includes(method) ? '{"message":"planted","query":"planted"}' : "";
        const url = `${the.worker.url}${path.replace("{id}", "planted")}`;
        const sent = { "content-length": `${body.length}`, ...headers };
        const answer = await rawRequest(url, { method, headers: sent, chunks: body ? [body] : [] });
        if (["/health", "/live", "/ready"].includes(path)) assert.equal(answer.status, 200);
        else assertProblem(answer, 403, "foreign_request");
        assert.equal(answer.headers.get("access-control-allow-origin"), null, path);
      }
      assert.equal((await the.api.list()).count, 0);
    });
  }

  test("the app's files are served whatever the page or host", async () => {
    for (const headers of Object.values(FOREIGN)) {
      assert.equal((await rawRequest(`${the.worker.url}/`, { headers })).status, 200);
    }
  });

  test("a shell, the app's own page and pages of this machine are served", async () => {
    for (const headers of /** @type {Record<string, string>[]} */ ([
      {},
      { origin: the.worker.url, "sec-fetch-site": "same-origin" },
      { origin: "http://localhost:5173", "sec-fetch-site": "same-site" },
      { origin: "http://127.0.0.1:3000", "sec-fetch-site": "cross-site" },
      { origin: "http://app.localhost:3000", "sec-fetch-site": "cross-site" },
      { origin: "http://[::1]:3000", "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "none" },
    ])) {
      const answer = await the.api.send("GET", "/v1/sessions", undefined, headers);
      assert.equal(answer.status, 200, JSON.stringify(headers));
      const listed = headers.origin ?? null;
      assert.equal(answer.headers.get("access-control-allow-origin"), listed);
    }
  });

  test("a server names its user, and gives up what it may not administer", async () => {
    const ada = new Api(the.worker.url, { "chatkeep-user": "ada" });
    const said = ok(await ada.chat({ message: "Hello" }));
    assert.equal((await ada.list()).count, 1);
    assert.equal((await the.api.info(said.session_id)).status, 404);
    ok(await ada.delete(said.session_id));
    const closed = [
      ["GET", "/metrics"],
      ["GET", "/v1/admin/owners"],
      ["POST", "/v1/admin/rebuild"],
    ];
    for (const [method, path] of closed) {
      const { detail } = assertProblem(await the.api.send(method, path), 403, "forbidden");
      assert.match(detail, /OPEN_ADMIN/);
    }
  });

  test("an empty user is no user", async () => {
    for (const headers of [{ "chatkeep-user": "" }, { "chatkeep-user": " " }, { "chatkeep-issuer": "" }]) {
      const sent = { "chatkeep-user": "ada", ...headers };
      assertProblem(await rawRequest(`${the.worker.url}/v1/sessions`, { headers: sent }), 400, "invalid_parameter");
    }
  });

  test("a visitor's token identifies its caller, wherever the page is from", async () => {
    const { token } = ok(await the.api.send("POST", "/v1/visitors"));
    const headers = { authorization: `Bearer ${token}`, origin: "https://evil.example", host: "chat.example.com" };
    const answer = await rawRequest(`${the.worker.url}/v1/sessions`, { headers });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("access-control-allow-origin"), null);
  });
});

describe("a localhost that a proxy shows elsewhere", () => {
  /** @type {import("../harness/worker.mjs").Worker} */
  let worker;
  before(async () => {
    const vars = { ...OPEN, OPEN_ADMIN: "on", ALLOWED_HOSTS: "*.preview.example, box.example" };
    worker = await startWorker({ store: "vault", vars });
  });
  after(() => worker?.stop());

  test("is open under the listed names, to their own pages", async () => {
    for (const [host, origin, status] of /** @type {const} */ ([
      ["a.preview.example", "https://a.preview.example", 200],
      ["box.example", "https://box.example", 200],
      ["box.example", "https://evil.example", 403],
      ["a.preview.example", "https://b.preview.example", 403],
      ["preview.example", "https://preview.example", 403],
    ])) {
      const answer = await rawRequest(`${worker.url}/v1/sessions`, { headers: { host, origin } });
      assert.equal(answer.status, status, `${host} ${origin}`);
    }
  });

  test("administers where that is opened, but not for a user", async () => {
    const api = new Api(worker.url);
    assert.equal((await api.get("/metrics")).status, 200);
    ok(await api.get("/v1/admin/owners"));
    const asAda = { "chatkeep-user": "ada" };
    assertProblem(await api.send("GET", "/v1/admin/owners", undefined, asAda), 403, "forbidden");
    const foreign = await api.send("GET", "/v1/admin/owners", undefined, { origin: "https://evil.example" });
    assertProblem(foreign, 403, "foreign_request");
  });
});

describe("a server's key", () => {
  /** @type {import("../harness/worker.mjs").Worker} */
  let worker;
  before(async () => {
    worker = await startWorker({ store: "vault", vars: { API_KEYS: "ambient-key-1, prom:read:ambient-key-2" } });
  });
  after(() => worker?.stop());

  test("administers nothing while it acts for a user, whatever a path's text leads to", async () => {
    const server = { "x-api-key": "ambient-key-1", "chatkeep-user": "ada" };
    for (const path of ["/v1/admin/owners", "/v1/sessions/%2e%2e/admin/owners", "/v1/sessions/../admin/owners"]) {
      const answer = await rawRequest(worker.url, { path, headers: server });
      assert.ok([403, 404].includes(answer.status), `${path}: ${answer.status}`);
      assert.ok(!answer.text.includes("owners"), answer.text);
    }
    assert.equal((await rawRequest(worker.url, { path: "/v1/sessions", headers: server })).status, 200);
  });

  test("counts under any host and from any page's proxy", async () => {
    const headers = { "x-api-key": "ambient-key-1", host: "chat.example.com", origin: "https://shop.example" };
    assert.equal((await rawRequest(`${worker.url}/v1/sessions`, { headers })).status, 200);
  });
});
