// What a browser is told: by the app's policy, by answers, and to pages of other origins.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "../harness/folders.mjs";
import { startWorker } from "../harness/worker.mjs";

const SECRETS = { API_KEYS: "safety-api-key-1", VISITOR_SECRET: "safety-visitor-secret-of-32-bytes" };
const FRIEND = "https://friend.example";
/** @type {import("../harness/worker.mjs").Worker} */
let worker;
before(async () => {
  worker = await startWorker({ store: "vault", vars: { ...SECRETS, CORS_ORIGINS: FRIEND } });
});
after(() => worker?.stop());

/** The directives of a policy. */
const directives = (/** @type {string | null} */ policy) =>
  Object.fromEntries(
    (policy ?? "").split(";").map((part) => [part.trim().split(" ")[0], part.trim().split(" ").slice(1)]),
  );

test("the app runs its own scripts and no others, and is framed by nobody", async () => {
  const page = await fetch(worker.url);
  const policy = directives(page.headers.get("content-security-policy"));
  assert.deepEqual(policy["default-src"], ["'none'"]);
  assert.deepEqual(policy["script-src"], ["'self'", "'wasm-unsafe-eval'"]);
  assert.deepEqual(policy["connect-src"], ["'self'"]);
  for (const name of ["base-uri", "form-action", "frame-ancestors"]) assert.deepEqual(policy[name], ["'none'"], name);
  for (const sources of Object.values(policy)) {
    for (const source of sources) assert.ok(!/unsafe-inline|'unsafe-eval'|https?:|\*/.test(source), source);
  }
  assert.equal(page.headers.get("x-content-type-options"), "nosniff");
  assert.equal(page.headers.get("referrer-policy"), "no-referrer");
  const html = await page.text();
  for (const [, attributes, body] of html.matchAll(/<script([^>]*)>([\s\S]*?)<\/script>/g)) {
    assert.match(attributes, /src="\/assets\//);
    assert.equal(body.trim(), "");
  }
  assert.ok(!/ on[a-z]+=|<style|style=/.test(html), html);
});

test("nothing of the configuration is in what the app loads", () => {
  const folder = join(ROOT, "www/app/dist");
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!/\.(js|html|css|wasm)$/.test(file)) continue;
    const text = readFileSync(join(folder, file), "latin1");
    for (const name of ["VISITOR_SECRET", "JWT_SECRET", "UPSTASH_REDIS_REST_TOKEN", "OPENAI_API_KEY"]) {
      assert.ok(!text.includes(name), `${file} speaks of ${name}`);
    }
  }
});

test("an answer is never taken for a page", async () => {
  for (const path of ["/v1/sessions", "/health", "/v1/nowhere"]) {
    const { headers } = await fetch(worker.url + path);
    assert.equal(headers.get("x-content-type-options"), "nosniff", path);
    assert.match(headers.get("content-security-policy") ?? "", /^default-src 'none'/, path);
    assert.equal(headers.get("cache-control"), "no-store", path);
  }
});

test("only a listed origin's page may read, and none with a cookie", async () => {
  const visitor = await (await fetch(`${worker.url}/v1/visitors`, { method: "POST" })).json();
  for (const [origin, may] of /** @type {const} */ ([
    [FRIEND, true],
    ["https://evil.example", false],
    ["null", false],
  ])) {
    const asked = {
      origin,
      "access-control-request-method": "PATCH",
      "access-control-request-headers": "authorization",
    };
    const preflight = await fetch(`${worker.url}/v1/sessions/a`, { method: "OPTIONS", headers: asked });
    const read = await fetch(`${worker.url}/v1/sessions`, {
      headers: { origin, authorization: `Bearer ${visitor.token}` },
    });
    for (const { headers } of [preflight, read]) {
      assert.equal(headers.get("access-control-allow-origin"), may ? origin : null, origin);
      assert.equal(headers.get("access-control-allow-credentials"), null);
      assert.match(headers.get("vary") ?? "", /origin/i);
    }
    assert.equal(preflight.status, 204);
    assert.match(preflight.headers.get("access-control-allow-methods") ?? "", /PATCH/);
    assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /authorization/);
  }
});
