// Tokens of issuers as they come: for whom they are, how they are signed, and what a refusal says.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assertProblem, ok } from "../harness/api.mjs";
import { FakeIssuer, token, visitorToken } from "../harness/fake-issuer.mjs";
import { ROOT } from "../harness/folders.mjs";
import { onEachStore } from "../harness/stores.mjs";

const SOON = Math.floor(Date.now() / 1000) + 600;
const VISITORS = randomBytes(32).toString("hex");
const bearer = (/** @type {string} */ text) => ({ authorization: `Bearer ${text}` });

/** @type {FakeIssuer[]} */
const issuers = [];
before(async () => {
  for (const issuer of [await FakeIssuer.start(), await FakeIssuer.start(), await FakeIssuer.start()]) {
    issuers.push(issuer);
  }
  const [main, azp, clients] = issuers;
  main.addKey("EdDSA", "ed");
  main.addKey("RS256", "rsa");
  azp.addKey("ES256", "ec").isUnnamed = true;
  clients.addKey("ES256", "one");
  clients.addKey("ES256", "two");
  Object.assign(VARS, {
    JWT_ISSUERS: JSON.stringify([
      { issuer: "main", audience: ["us"], jwks_url: main.url },
      { issuer: "azp", label: "azp", audience: ["us"], audience_claim: "azp", jwks_url: azp.url },
      { issuer: "clients", label: "clients", audience: ["us"], audience_claim: "client_id", jwks_url: clients.url },
    ]),
  });
});
after(() => Promise.all(issuers.map((issuer) => issuer.stop())));

/** @type {Record<string, string>} */
const VARS = { VISITOR_SECRET: VISITORS, API_KEYS: "ops:tokens-key-1, prom:read:tokens-key-2" };

onEachStore("tokens", VARS, (the) => {
  const list = (/** @type {Record<string, string>} */ headers) =>
    the.api.send("GET", "/v1/sessions", undefined, headers);
  const claims = (/** @type {object} */ more = {}) => ({ iss: "main", sub: "ada", aud: "us", exp: SOON, ...more });

  test("signed by Ed25519 are taken, under both names of the algorithm", async () => {
    const [main] = issuers;
    for (const alg of ["EdDSA", "Ed25519"]) ok(await list(bearer(main.token(claims(), main.keys[0], { alg }))));
    const [header, , signature] = main.token(claims()).split(".");
    const [, other] = main.token(claims({ sub: "bob" })).split(".");
    const answer = assertProblem(await list(bearer(`${header}.${other}.${signature}`)), 401, "unauthorized");
    assert.match(answer.detail, /signature/);
  });

  test("for whom they are stands in the claim that is configured", async () => {
    const [, azp, clients] = issuers;
    const plain = { sub: "ada", exp: SOON };
    ok(
      await list(
        bearer(azp.token({ ...plain, iss: "azp", azp: "us", aud: "account" }, azp.keys[0], { kid: undefined })),
      ),
    );
    ok(await list(bearer(clients.token({ ...plain, iss: "clients", client_id: "us" }))));
    const other = await list(bearer(clients.token({ ...plain, iss: "clients", client_id: "them", aud: "us" })));
    assert.match(assertProblem(other, 401, "unauthorized").detail, /another audience/);
    const none = await list(bearer(clients.token({ ...plain, iss: "clients", aud: "us" })));
    assert.match(assertProblem(none, 401, "unauthorized").detail, /no client_id/);
  });

  test("a refusal says why, and tells nothing of the token", async () => {
    const [main, azp, clients] = issuers;
    const [ed, rsa] = main.keys;
    for (const [reason, text] of /** @type {[RegExp, string][]} */ ([
      [/no aud/, main.token(claims({ aud: undefined }))],
      [/no exp/, main.token(claims({ exp: undefined }))],
      [/no sub/, main.token(claims({ sub: undefined }))],
      [/no iss/, main.token(claims({ iss: undefined }))],
      [/wrong type/, main.token(claims({ exp: "soon" }))],
      [/another audience/, main.token(claims({ aud: "shop" }))],
      [/expired/, main.token(claims({ exp: SOON - 3600 }))],
      [/not valid yet/, main.token(claims({ nbf: SOON }))],
      [/no configured issuer/, main.token(claims({ iss: "https://evil.example" }))],
      [/alg/, token(claims(), { alg: "none" }, () => "")],
      [/signature/, main.token(claims(), rsa, { kid: "rsa" }).replace(/.{8}$/, "AAAAAAAA")],
      [/no key by the token's kid/, main.token(claims(), ed, { kid: "unknown" })],
      [/no key for the token's alg/, azp.token(claims(), azp.keys[0], { kid: "ec" })],
      [/have no names/, azp.token({ iss: "azp", sub: "ada", azp: "us", exp: SOON })],
      [
        /publishes several/,
        clients.token({ iss: "clients", sub: "ada", client_id: "us", exp: SOON }, clients.keys[0], { kid: undefined }),
      ],
      [/not a JSON Web Token/, "tokens-key-3"],
      [/malformed/, "ckv1.what"],
      [/malformed/, `${visitorToken(VISITORS, "0".repeat(32), SOON)}=`],
      [/expired/, visitorToken(VISITORS, "0".repeat(32), SOON - 3600)],
    ])) {
      const answer = await list(bearer(text));
      assert.match(assertProblem(answer, 401, "unauthorized").detail ?? "", reason, text);
      assert.ok(!answer.text.includes(text.slice(-16)), answer.text);
    }
  });

  test("a scraper that is configured as the operations guide says is served", async () => {
    const guide = readFileSync(join(ROOT, "docs/operations.md"), "utf8");
    const config = /```yaml\n(scrape_configs:[\s\S]*?)```/.exec(guide)?.[1] ?? "";
    const [, path] = /metrics_path: (\S+)/.exec(config) ?? [];
    const [, type] = /type: (\S+)/.exec(config) ?? [];
    const headers = { authorization: `${type} tokens-key-2`, accept: "application/openmetrics-text;q=0.9, */*;q=0.1" };
    const answer = await the.api.send("GET", path, undefined, headers);
    assert.equal(answer.status, 200);
    const names = new Set([...answer.text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    for (const [, name] of guide.matchAll(/(chatkeep_[a-z]+_(?:total|seconds))(?:_bucket)?[[{]/g)) {
      assert.match(readFileSync(join(ROOT, "crates/model/src/observe/meter.rs"), "utf8"), new RegExp(`"${name}"`));
    }
    assert.ok(names.has("chatkeep_requests_total"), answer.text);
  });

  test("an API key is taken as a bearer's token, and a read key scrapes the figures alone", async () => {
    ok(await the.api.send("GET", "/v1/admin/owners", undefined, bearer("tokens-key-1")));
    for (const headers of [bearer("tokens-key-2"), { "x-api-key": "tokens-key-2" }]) {
      const figures = await the.api.send("GET", "/metrics", undefined, headers);
      assert.equal(figures.status, 200);
      assert.match(figures.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
      for (const path of ["/v1/admin/owners", "/v1/admin/stats", "/v1/admin/export", "/v1/admin/events"]) {
        assertProblem(await the.api.send("GET", path, undefined, headers), 403, "forbidden");
      }
      assertProblem(await the.api.send("POST", "/v1/chat", { message: "x" }, headers), 403, "forbidden");
    }
    const user = issuers[0].token(claims());
    assertProblem(await the.api.send("GET", "/metrics", undefined, bearer(user)), 403, "forbidden");
  });
});
