// What an attacker would try: floods, bodies without end or bottom, ids and users that would break out of a key.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { Api, assertProblem, ok } from "../harness/api.mjs";
import { EventStream } from "../harness/events.mjs";
import { secretToken } from "../harness/fake-issuer.mjs";
import { FakeModelApi } from "../harness/model-api.mjs";
import { rawRequest } from "../harness/raw-request.mjs";
import { ROUTES } from "../harness/routes.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

const SECRET = "a secret that has thirty-two bytes";
const bearer = (/** @type {string} */ sub) => ({
  authorization: `Bearer ${secretToken({ iss: "i", aud: "a", sub, exp: Math.floor(Date.now() / 1000) + 900 }, SECRET)}`,
});
const USERS = { JWT_SECRET: SECRET, JWT_ISSUER: "i", JWT_AUDIENCE: "a" };

forEachStore("floods of turns", (store) => {
  /** @type {import("../harness/worker.mjs").Worker} */
  let worker;
  /** @type {FakeModelApi} */
  let model;
  // A window so long that no test crosses two of them, but for one second in a day.
  const vars = { ...USERS, API_KEYS: "server-key", RATE_LIMIT: "3/86400", RATE_LIMIT_APP: "2/86400" };

  before(async () => {
    model = await FakeModelApi.start();
    worker = await startWorker({ store, vars: { ...vars, RESPONDER: "openai", OPENAI_BASE_URL: model.url } });
  });
  after(async () => {
    await worker?.stop();
    await model?.stop();
  });

  test("a user begins so many turns and no more; a repetition is not charged", async () => {
    const ada = new Api(worker.url, bearer("ada"));
    for (const left of [2, 1, 0]) {
      const turn = { message: "Hello", session_id: "s", message_id: `m${left}` };
      const answer = await ada.chat(turn);
      ok(answer);
      assert.equal(answer.headers.get("ratelimit-policy"), '"turns";q=3;w=86400');
      const [, remaining, resets] = /^"turns";r=(\d+);t=(\d+)$/.exec(answer.headers.get("ratelimit") ?? "") ?? [];
      assert.equal(Number(remaining), left);
      assert.ok(Number(resets) > 0 && Number(resets) <= 86400);
      assert.equal(ok(await ada.chat(turn)).replayed, true);
    }
    const asked = model.requests.length;
    for (const body of [{ message: "x", session_id: "s" }, { message: "x" }, { message: "x", incognito: true }]) {
      const answer = await ada.chat(body);
      assert.equal(assertProblem(answer, 429, "rate_limited").retryable, true);
      const [, resets] = /^"turns";r=0;t=(\d+)$/.exec(answer.headers.get("ratelimit") ?? "") ?? [];
      assert.equal(answer.headers.get("retry-after"), resets);
    }
    assert.equal(model.requests.length, asked, "the responder isn't asked");
    assert.equal(ok(await ada.info("s")).total_messages, 6);
    assert.equal((await ada.list()).count, 1);
    ok(await new Api(worker.url, bearer("bob")).chat({ message: "Hello" }));
  });

  test("a streamed turn is charged as any other, and says what is left", async () => {
    const zoe = bearer("zoe");
    const stream = (/** @type {string} */ message_id) =>
      EventStream.open(`${worker.url}/v1/chat`, {
        json: { message: "Hello", session_id: "s", message_id, stream: true },
        headers: zoe,
      });
    for (const left of [2, 1, 0]) {
      const answer = await stream(`m${left}`);
      assert.equal(answer.headers.get("ratelimit-policy"), '"turns";q=3;w=86400');
      assert.match(answer.headers.get("ratelimit") ?? "", new RegExp(`^"turns";r=${left};t=\\d+$`));
      assert.equal((await answer.all()).at(-1)?.name, "done");
      const again = await stream(`m${left}`);
      assert.equal((await again.all()).at(-1)?.data.replayed, true);
    }
    const refused = await new Api(worker.url, zoe).chat({ message: "Hello", session_id: "s", stream: true });
    assertProblem(refused, 429, "rate_limited");
    const [, resets] = /^"turns";r=0;t=(\d+)$/.exec(refused.headers.get("ratelimit") ?? "") ?? [];
    assert.equal(refused.headers.get("retry-after"), resets);
    const incognito = { message: "x", incognito: true, stream: true };
    assertProblem(await new Api(worker.url, zoe).chat(incognito), 429, "rate_limited");
  });

  test("an incognito turn is charged as any other", async () => {
    const eva = new Api(worker.url, bearer("eva"));
    const turn = { message: "x", incognito: true };
    for (let number = 0; number < 3; number += 1) ok(await eva.chat(turn));
    assertProblem(await eva.chat(turn), 429, "rate_limited");
    assertProblem(await eva.chat({ message: "x" }), 429, "rate_limited");
  });

  test("the application is limited by the client's address", async () => {
    const server = new Api(worker.url, { "x-api-key": "server-key" });
    ok(await server.chat({ message: "x" }));
    ok(await server.chat({ message: "x" }));
    assertProblem(await server.chat({ message: "x" }), 429, "rate_limited");
    ok(await server.get("/v1/sessions"));
  });
});

/** Users and ids that an attacker would try. */
const NAMES = [
  "ada}",
  "ada}:s:x",
  "{ada",
  "ada:index",
  "ada\nDEL x",
  "ada\r\n",
  "ada\0",
  "ada%7D",
  "аda",
  "ada\u200b",
  "..",
  "*",
  "app",
  "h-0",
  "v-0",
  "' OR 1=1 --",
  "]]..redis.call('FLUSHALL')..[[",
  "x".repeat(3000),
];

forEachStore("names that would break out", (store) => {
  /** @type {import("../harness/worker.mjs").Worker} */
  let worker;
  before(async () => {
    worker = await startWorker({ store, vars: USERS });
  });
  after(() => worker?.stop());

  test("as a user each is one of their own", async () => {
    await new Api(worker.url, bearer("ada")).say("Mine", { session_id: "shared" });
    for (const name of NAMES) {
      const api = new Api(worker.url, bearer(name));
      assert.equal((await api.list()).count, 0, name);
      assertProblem(await api.info("shared"), 404, "session_not_found");
      await api.say("Hello", { session_id: "shared" });
      assert.equal((await api.list()).count, 1, name);
    }
    for (const name of ["ada", ...NAMES]) {
      assert.equal((await new Api(worker.url, bearer(name)).list()).count, 1, name);
    }
    if (worker.redis) {
      const keys = (await worker.redis.cli("--raw", "KEYS", "*")).split("\n");
      for (const key of keys)
        assert.match(key, /^chatkeep:(\{[A-Za-z0-9_.%-]{1,96}\}:(s:shared|index|cards|rl:\d+)|owners:\{\d\d\})$/);
    }
  });

  test("as an id each is refused or is nothing but an id", async () => {
    const api = new Api(worker.url, bearer("eva"));
    for (const name of NAMES) {
      const valid = /^(?!-$)[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,127}$/.test(name);
      const path = `/v1/sessions/${encodeURIComponent(name)}`;
      // A browser's URL takes dots for folders.
      const answer = await api.get(path);
      if (name === "..") assert.equal(answer.status, 404);
      else if (valid) assertProblem(answer, 404, "session_not_found");
      else assertProblem(answer, 400, "invalid_session_id");
      if (valid) continue;
      assertProblem(await api.chat({ message: "x", session_id: name }), 400, "invalid_session_id");
      assertProblem(await api.chat({ message: "x", message_id: name }), 400, "invalid_message_id");
      assertProblem(await api.chat({ message: "x", cut_after: name }), 400, "invalid_message_id");
    }
    assert.equal((await api.list()).count, 0);
  });
});

forEachStore("names that would break out of the dialects", (store) => {
  /** @type {import("../harness/worker.mjs").Worker} */
  let worker;
  /** @type {Api} a server, which acts for whom it names */
  let server;
  before(async () => {
    worker = await startWorker({ store, vars: { API_KEYS: "server-key" } });
    server = new Api(worker.url, { "x-api-key": "server-key" });
  });
  after(() => worker?.stop());

  const valid = (/** @type {string} */ name) => /^(?!-$)[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,127}$/.test(name);

  test("as an id each is refused or is nothing but an id", async () => {
    for (const name of NAMES) {
      const turns = [
        server.send("POST", "/jarvis/api/chat", { message: "Hello", session_id: name }),
        server.send("POST", "/openta/chat/basic", { query: "Hello", meta_params: { conversation_id: name } }),
      ];
      for (const answer of await Promise.all(turns)) {
        if (valid(name)) ok(answer);
        else assert.equal(answer.status, 400, `${name}: ${answer.text}`);
      }
      if (name === "..") continue; // a URL takes dots for folders
      const id = encodeURIComponent(name);
      const reads = [
        `/jarvis/api/sessions/${id}`,
        `/storage-guide/api/chat/sessions/${id}/history`,
        `/openta/chat/history/${id}`,
      ];
      for (const path of reads) {
        const { status, text } = await server.get(path);
        assert.ok([200, 400, 404].includes(status), `${path}: ${text}`);
        if (!valid(name)) assert.notEqual(status, 200, path);
      }
    }
  });

  test("as a user for whom a server acts each is one of their own", async () => {
    for (const name of NAMES) {
      const api = new Api(worker.url, { "x-api-key": "server-key", "chatkeep-user": encodeURIComponent(name) });
      assert.equal((await api.list()).count, 0, name);
      await api.say("Hello", { session_id: "shared" });
      assert.equal((await api.list()).count, 1, name);
    }
    for (const raw of ["ada}", "{ada", "a b", "%7D", "%00", "%ff", "%"]) {
      const answer = await new Api(worker.url, { "x-api-key": "server-key", "chatkeep-user": raw }).get("/v1/sessions");
      assert.ok([200, 400].includes(answer.status), `${raw}: ${answer.text}`);
    }
  });

  test("no key has another form than ours", async () => {
    if (!worker.redis) return;
    const keys = (await worker.redis.cli("--raw", "KEYS", "*")).split("\n");
    assert.ok(keys.length > NAMES.length);
    const form =
      /^(chatkeep|jarvis:session|session|conversation):(\{[A-Za-z0-9_.%-]{1,96}\}:(s:[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,127}|index|cards|rl:\d+)|owners:\{\d\d\})$/;
    for (const key of keys) assert.match(key, form);
  });
});

/** The request headers that are read. */
const HEADERS = [
  ...[
    "accept",
    "authorization",
    "chatkeep-client",
    "chatkeep-issuer",
    "chatkeep-journal",
    "chatkeep-user",
    "content-type",
  ],
  ...[
    "cookie",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "last-event-id",
    "origin",
    "traceparent",
    "upstash-sync-token",
  ],
  ...["x-api-key"],
];

describe("requests without measure", () => {
  /** @type {import("../harness/worker.mjs").Worker} */
  let worker;
  before(async () => {
    worker = await startWorker({ store: "vault", vars: { MAX_BODY_BYTES: "100000" } });
  });
  after(() => worker?.stop());

  test("a body without a bottom is refused", async () => {
    const api = new Api(worker.url);
    const deep = (/** @type {number} */ levels) =>
      `{"message":"x","metadata":{"a":${"[".repeat(levels)}${"]".repeat(levels)}}}`;
    ok(await api.chat(/** @type {any} */ (deep(62))));
    for (const levels of [63, 200, 40_000]) {
      assertProblem(await api.chat(/** @type {any} */ (deep(levels))), 400, "json_too_deep");
    }
    assertProblem(await api.chat(/** @type {any} */ ("[".repeat(90_000))), 400, "json_too_deep");
    ok(await api.chat({ message: "[{".repeat(10_000) }));
  });

  test("no route reads a body without a bottom", async () => {
    const api = new Api(worker.url);
    const deep = /** @type {any} */ (`{"a":${"[".repeat(40_000)}`);
    for (const { method, path, action } of ROUTES.filter(({ method }) => /POST|PUT|PATCH/.test(method))) {
      const answer = await api.send(method, path.replace("{id}", "s"), deep);
      assert.ok(answer.status < 500, `${method} ${path} (${action}): ${answer.text}`);
      if (answer.status === 400)
        assert.match(answer.body.code, /^(json_too_deep|invalid_\w+|unsupported)$/, `${method} ${path}`);
    }
  });

  test("an address without an end is refused", async () => {
    const api = new Api(worker.url);
    assertProblem(await api.get(`/v1/sessions?q=${"x".repeat(9000)}`), 414, "address_too_long");
    assertProblem(await api.get(`/v1/sessions/${"x".repeat(9000)}`), 414, "address_too_long");
  });

  test("a header without an end harms nothing", async () => {
    for (const name of HEADERS) {
      for (const value of ["x".repeat(12_000), "\u00ff".repeat(100), "-1", "{}", "*", ", ,;=,"]) {
        const api = new Api(worker.url, { [name]: value });
        const answers = [await api.chat({ message: "Hello" }), await api.get("/v1/sessions")];
        for (const { status, text } of answers)
          assert.ok(status < 500, `${name}: ${value.slice(0, 9)}: ${status} ${text}`);
      }
    }
    assertProblem(
      await new Api(worker.url, { "idempotency-key": "x".repeat(300) }).chat({ message: "x" }),
      400,
      "invalid_idempotency_key",
    );
    await new Api(worker.url).say("Hello");
  });

  test("a body without an end is refused while it is read", async () => {
    const chunk = Buffer.alloc(65_536, "x");
    const answer = await rawRequest(`${worker.url}/v1/chat`, { method: "POST", chunks: Array(8).fill(chunk) });
    assertProblem(answer, 413, "body_too_large");
  });

  test("a body that never comes holds up nobody else", async () => {
    const { hostname, port } = new URL(worker.url);
    const slow = [];
    for (let number = 0; number < 20; number += 1) {
      const socket = connect(Number(port), hostname);
      await once(socket, "connect");
      socket.on("error", () => {});
      socket.write(`POST /v1/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"mess`);
      slow.push(socket);
    }
    const api = new Api(worker.url);
    for (let number = 0; number < 5; number += 1) await api.say("Hello");
    for (const socket of slow) socket.destroy();
    await api.say("Hello");
  });
});

describe("with a limit on addresses", () => {
  /** @type {import("../harness/worker.mjs").Worker} */
  let worker;
  before(async () => {
    const bindings =
      '[[ratelimits]]\nname = "ADDRESS_LIMIT"\nnamespace_id = "1001"\nsimple = { limit = 20, period = 60 }\n';
    worker = await startWorker({ store: "vault", vars: { API_KEYS: "server-key" }, bindings });
  });
  after(() => worker?.stop());

  test("guessing keys ends before they are looked at", async () => {
    const statuses = new Set();
    let refused;
    for (let number = 0; number < 60 && !refused; number += 1) {
      const answer = await new Api(worker.url, { "x-api-key": `guess-${number}` }).get("/v1/sessions");
      statuses.add(answer.status);
      if (answer.status === 429) refused = answer;
    }
    assert.deepEqual([...statuses], [401, 429]);
    assertProblem(/** @type {any} */ (refused), 429, "rate_limited");
    assert.equal(refused?.headers.get("retry-after"), "60");
    assertProblem(await new Api(worker.url, { "x-api-key": "server-key" }).get("/v1/sessions"), 429, "rate_limited");
    assert.equal((await new Api(worker.url).get("/health")).status, 200);
  });
});
