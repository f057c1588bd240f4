// Who one is: visitors and their renewal, cookies, keys that rotate, several issuers, servers that act for users.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { Api, assertProblem, eventually, ok } from "../harness/api.mjs";
import { FakeIssuer, secretToken, visitorToken } from "../harness/fake-issuer.mjs";
import { rawRequest } from "../harness/raw-request.mjs";
import { startWorker } from "../harness/worker.mjs";

const SECONDS = () => Math.floor(Date.now() / 1000);
const bearer = (/** @type {string} */ token) => ({ authorization: `Bearer ${token}` });

/** @type {Set<{stop: () => Promise<void>}>} */
const started = new Set();
after(async () => {
  for (const child of started) await child.stop();
});

/**
 * A Worker for the tests of one suite.
 * @param {() => Record<string, string> | Promise<Record<string, string>>} vars
 */
function aWorker(vars) {
  const the = /** @type {{worker: import("../harness/worker.mjs").Worker, url: string, api: Api}} */ ({});
  before(async () => {
    the.worker = await startWorker({ store: "vault", vars: await vars() });
    the.url = the.worker.url;
    the.api = new Api(the.url);
  });
  after(() => the.worker?.stop());
  return the;
}

describe("visitors", () => {
  const [secret, old] = [randomBytes(32).toString("hex"), randomBytes(32).toString("hex")];
  const the = aWorker(() => ({ VISITOR_SECRET: `${secret}, ${old}`, VISITOR_TTL_SECONDS: "3600" }));
  const create = (/** @type {unknown} */ body, /** @type {Record<string, string>} */ headers) =>
    the.api.send("POST", "/v1/visitors", body, headers);

  test("each is somebody of their own, and keeps their sessions", async () => {
    const [ada, bob] = [ok(await create()), ok(await create())];
    assert.match(ada.owner, /^v-[0-9a-f]{32}$/);
    assert.notEqual(ada.owner, bob.owner);
    const lives = Date.parse(ada.expires_at) - Date.now();
    assert.ok(lives > 3_590_000 && lives <= 3_600_000, `${lives}`);
    const adas = new Api(the.url, bearer(ada.token));
    const { session_id } = await adas.say("Hello");
    assert.equal(ok(await adas.info(session_id)).message_count, 2);
    assertProblem(await new Api(the.url, bearer(bob.token)).info(session_id), 404, "session_not_found");
    assert.equal((await adas.list()).count, 1);
  });

  test("a token is renewed for the same visitor, also one that an older secret signed", async () => {
    const id = randomBytes(16).toString("hex");
    const [mine, other] = [visitorToken(old, id, SECONDS() + 60), visitorToken(old, id, SECONDS() - 60)];
    const renewed = ok(await create(undefined, bearer(mine)));
    assert.equal(renewed.owner, `v-${id}`);
    assert.equal(renewed.token, visitorToken(secret, id, Date.parse(renewed.expires_at) / 1000));
    assertProblem(await create(undefined, bearer(other)), 401, "unauthorized");
  });

  test("a cookie is for this origin's pages, and for no script", async () => {
    const own = { origin: the.url, host: new URL(the.url).host };
    const answer = await create({ cookie: true }, own);
    const { owner, token } = ok(answer);
    assert.equal(token, undefined);
    const [pair, ...attributes] = (answer.headers.get("set-cookie") ?? "").split("; ");
    assert.match(pair, /^__Host-chatkeep=ckv1\./);
    assert.deepEqual(attributes, ["Path=/", "Max-Age=3600", "HttpOnly", "Secure", "SameSite=Strict"]);

    const cookie = { cookie: `theme=dark; ${pair}` };
    const said = ok(await the.api.chat({ message: "Hello" }, { ...cookie, ...own }));
    assert.equal(ok(await the.api.send("GET", "/v1/sessions", undefined, cookie)).count, 1);
    assert.equal(ok(await create({ cookie: true }, { ...cookie, ...own })).owner, owner);
    for (const origin of ["https://evil.example", "null", `${the.url}.evil.example`]) {
      assertProblem(await the.api.chat({ message: "x" }, { ...cookie, origin }), 401, "unauthorized");
      assertProblem(await create({ cookie: true }, { origin }), 403, "forbidden");
      assertProblem(await the.api.send("GET", "/v1/sessions", undefined, { ...cookie, origin }), 401, "unauthorized");
    }
    assertProblem(await the.api.chat({ message: "x" }, cookie), 401, "unauthorized");
    assert.equal(ok(await the.api.send("GET", `/v1/sessions/${said.session_id}`, undefined, cookie)).message_count, 2);
  });

  test("without a token even this machine is nobody", async () => {
    assertProblem(await the.api.chat({ message: "Hello" }), 401, "unauthorized");
    assertProblem(await create({ cookie: 1 }), 400, "invalid_body");
  });
});

describe("where localhost is open", () => {
  const the = aWorker(() => ({ VISITOR_SECRET: randomBytes(32).toString("hex"), OPEN_LOCALHOST: "on" }));

  test("curl needs no token, and a visitor's counts", async () => {
    assert.equal((await the.api.list()).count, 0);
    const { token } = ok(await the.api.send("POST", "/v1/visitors"));
    await new Api(the.url, bearer(token)).say("Hello");
    assert.equal((await the.api.list()).count, 0);
    assertProblem(await the.api.send("GET", "/v1/sessions", undefined, bearer(`${token}x`)), 401, "unauthorized");
  });

  test("another host is not this machine", async () => {
    const answer = await rawRequest(`${the.url}/v1/sessions`, { headers: { host: "chat.example.com" } });
    assertProblem(answer, 403, "foreign_request");
  });
});

describe("where nothing is configured", () => {
  const the = aWorker(() => ({}));

  test("no token is needed, and whoever asks for one is told so", async () => {
    assert.deepEqual(ok(await the.api.send("POST", "/v1/visitors")), { owner: "app" });
    const answer = await rawRequest(`${the.url}/v1/visitors`, {
      method: "POST",
      headers: { host: "chat.example.com" },
    });
    assertProblem(answer, 503, "not_configured");
  });

  test("a server may say for whom it acts", async () => {
    const ada = new Api(the.url, { "chatkeep-user": "ada" });
    await ada.say("Hello");
    assert.equal((await ada.list()).count, 1);
    assert.equal((await the.api.list()).count, 0);
  });
});

describe("keys that an issuer publishes", () => {
  /** @type {FakeIssuer} */
  let issuer;
  const claims = (/** @type {object} */ more) => ({ iss: "i", aud: "a", sub: "ada", exp: SECONDS() + 600, ...more });
  const the = aWorker(async () => {
    issuer = await FakeIssuer.start();
    started.add(issuer);
    return { JWT_ISSUER: "i", JWT_AUDIENCE: "a, b", JWT_JWKS_URL: issuer.url, JWT_ALGORITHMS: "ES256" };
  });
  const list = (/** @type {string} */ token) => the.api.send("GET", "/v1/sessions", undefined, bearer(token));

  test("an issuer that can't be reached is no refusal", async () => {
    const key = issuer.addKey("ES256", "first");
    issuer.status = 500;
    for (let number = 0; number < 30; number += 1) {
      const answer = await list(issuer.token(claims(), key));
      assert.equal(assertProblem(answer, 503, "identity_unavailable").retryable, true);
      assert.ok(answer.headers.get("retry-after"));
    }
    assert.ok(issuer.reads < 30, "an issuer that fails is asked by each request");
    assert.match(the.worker.logs(), /"issuer_failing"/);
    assert.doesNotMatch(the.worker.logs(), /jwks\.json/);
    issuer.status = 200;
    await eventually(
      () => list(issuer.token(claims(), key)),
      ({ status }) => status === 200,
    );
  });

  test("a new one is known as soon as a token names it, and not every made-up name is looked for", async () => {
    ok(await list(issuer.token(claims())));
    const reads = issuer.reads;
    const second = issuer.addKey("ES256", "second");
    ok(await list(issuer.token(claims(), second)));
    assert.equal(issuer.reads, reads + 1);
    for (let number = 0; number < 20; number += 1) {
      ok(await list(issuer.token(claims({ aud: "b" }), issuer.keys[number % 2])));
      assertProblem(await list(issuer.token(claims(), second, { kid: `made-up-${number}` })), 401, "unauthorized");
    }
    assert.equal(issuer.reads, reads + 1);
  });

  test("a token that another key signed under a known name is refused", async () => {
    const [first, second] = issuer.keys;
    assertProblem(await list(issuer.token(claims(), second, { kid: first.kid })), 401, "unauthorized");
  });

  test("an algorithm that isn't configured is refused, whatever key there is", async () => {
    const key = issuer.addKey("RS256", "rsa");
    assertProblem(await list(issuer.token(claims(), key)), 401, "unauthorized");
  });

  test("a clock may be off by a minute", async () => {
    ok(await list(issuer.token(claims({ exp: SECONDS() - 30 }))));
    ok(await list(issuer.token(claims({ nbf: SECONDS() + 30 }))));
    assertProblem(await list(issuer.token(claims({ exp: SECONDS() - 90 }))), 401, "unauthorized");
  });
});

describe("keys that an issuer takes back", () => {
  /** @type {FakeIssuer} */
  let issuer;
  const claims = () => ({ iss: "i", aud: "a", sub: "ada", exp: SECONDS() + 600 });
  const the = aWorker(async () => {
    issuer = await FakeIssuer.start();
    started.add(issuer);
    const keys = { JWT_JWKS_URL: issuer.url, JWT_JWKS_SECONDS: "1" };
    return { JWT_ISSUER: "i", JWT_AUDIENCE: "a", JWT_ALGORITHMS: "ES256", ...keys };
  });
  const list = (/** @type {string} */ token) => the.api.send("GET", "/v1/sessions", undefined, bearer(token));

  test("verify no more once what was read is old, and those beside them go on", async () => {
    const [first, second] = [issuer.addKey("ES256", "first"), issuer.addKey("ES256", "second")];
    ok(await list(issuer.token(claims(), first)));
    issuer.keys.shift();
    const refused = await eventually(
      () => list(issuer.token(claims(), first)),
      ({ status }) => status !== 200,
    );
    assertProblem(refused, 401, "unauthorized");
    ok(await list(issuer.token(claims(), second)));
  });

  test("an issuer that is away takes none back", async () => {
    const [second] = issuer.keys;
    issuer.status = 500;
    const reads = issuer.reads;
    await eventually(
      async () => ok(await list(issuer.token(claims(), second))),
      () => issuer.reads > reads + 1,
    );
    assert.equal((await the.api.get("/health")).status, 200);
    issuer.keys.shift();
    issuer.status = 200;
    const refused = await eventually(
      () => list(issuer.token(claims(), second)),
      ({ status }) => status !== 200,
    );
    assertProblem(refused, 401, "unauthorized");
  });
});

describe("several issuers", () => {
  const [first, second, older] = ["1", "2", "3"].map((digit) => digit.repeat(40));
  const entry = (/** @type {string} */ issuer, /** @type {object} */ more) => ({ issuer, audience: ["us"], ...more });
  const issuers = [entry("main", { secrets: [first, older] }), entry("acme", { label: "acme", secrets: [second] })];
  const the = aWorker(() => ({ JWT_ISSUERS: JSON.stringify(issuers), API_KEYS: "server-key" }));
  const user = (/** @type {string} */ iss, /** @type {string} */ secret, sub = "ada") =>
    new Api(the.url, bearer(secretToken({ iss, aud: "us", sub, exp: SECONDS() + 60 }, secret)));
  const server = (/** @type {Record<string, string>} */ headers) =>
    new Api(the.url, { "x-api-key": "server-key", ...headers });

  test("the same name at another issuer is another user", async () => {
    await user("main", first).say("Hello");
    assert.equal((await user("main", older).list()).count, 1);
    assert.equal((await user("acme", second).list()).count, 0);
    assert.equal((await user("main", first, "acme.ada").list()).count, 0);
    assertProblem(await user("main", second).get("/v1/sessions"), 401, "unauthorized");
  });

  test("a server names the issuer of the user it acts for", async () => {
    await user("acme", second, "eva ✓").say("Hello");
    const eva = { "chatkeep-user": "eva%20%E2%9C%93" };
    assert.equal((await server({ ...eva, "chatkeep-issuer": "acme" }).list()).count, 1);
    assert.equal((await server(eva).list()).count, 0);
    for (const wrong of [{ ...eva, "chatkeep-issuer": "other" }, { "chatkeep-user": "%FF" }]) {
      assertProblem(await server(wrong).get("/v1/sessions"), 400, "invalid_parameter");
    }
  });

  test("a name that is too long for a key is digested", async () => {
    const name = "ž".repeat(60);
    await user("main", first, name).say("Hello");
    const { owners } = ok(await server({}).get("/v1/admin/owners"));
    const text = `u-${"%C5%BE".repeat(60)}`;
    const digest = createHash("sha256").update(text).digest("hex");
    assert.ok(
      owners.some((/** @type {{owner: string}} */ one) => one.owner === `h-${digest}`),
      JSON.stringify(owners),
    );
    assert.equal((await user("main", first, name).list()).count, 1);
    assert.equal((await user("main", first, `${name}ž`).list()).count, 0);
  });
});
