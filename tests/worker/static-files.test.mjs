// The app's files: the self-hosted runner answers what wrangler's static assets answer, header for header.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "../harness/folders.mjs";
import { startWorker } from "../harness/worker.mjs";

/** @type {Record<"runner" | "wrangler", import("../harness/worker.mjs").Worker>} */
const workers = /** @type {any} */ ({});
before(async () => {
  workers.runner = await startWorker({ store: "vault" });
  workers.wrangler = await startWorker({ store: "vault", wrangler: true });
});
after(async () => {
  await workers.runner?.stop();
  await workers.wrangler?.stop();
});

const DIST = join(ROOT, "www/app/dist");
const FILES = readdirSync(DIST, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => `/${join(entry.parentPath, entry.name).slice(DIST.length + 1)}`);
const PAGES = ["/", "/index", "/admin", "/admin/", "/admin?a=b", "/admin.html?a=b", "/docs", "/docs/"];
const OTHERS = [
  "/assets",
  "/assets/",
  "/nothing",
  "/_headers",
  "/.env",
  "/assets/../_headers",
  "/assets/..%2f_headers",
];

/** Headers of the connection and the moment, and what each may name as it likes. */
const VARYING = [
  "date",
  "connection",
  "keep-alive",
  "transfer-encoding",
  "content-length",
  "etag",
  "x-request-id",
  "cf-cache-status",
];

/** Which headers the runner sends besides: RFC 9110 asks for both. */
const BESIDES = ["allow", "vary"];

/** @param {Response} response */
async function shown(response) {
  const headers = Object.fromEntries(
    [...response.headers].filter(([name]) => ![...VARYING, ...BESIDES].includes(name)),
  );
  return { status: response.status, headers, bytes: (await response.arrayBuffer()).byteLength };
}

/** What both answer. */
async function both(/** @type {string} */ path, /** @type {RequestInit} */ options = {}) {
  const headers = { "accept-encoding": "identity" };
  const ask = async (/** @type {string} */ url) =>
    shown(await fetch(url + path, { redirect: "manual", headers, ...options }));
  return [await ask(workers.runner.url), await ask(workers.wrangler.url)];
}

for (const method of ["GET", "HEAD", "POST", "DELETE"]) {
  test(`${method} is answered as wrangler does`, async () => {
    for (const path of [...FILES, ...PAGES, ...OTHERS]) {
      const [runner, wrangler] = await both(path, { method });
      assert.deepEqual(runner, wrangler, `${method} ${path}`);
    }
  });
}

test("a file that didn't change is not sent again", async () => {
  for (const path of ["/", "/admin", "/icon.svg"]) {
    const { url } = workers.runner;
    const etag = (await fetch(url + path)).headers.get("etag") ?? "";
    assert.match(etag, /^W\/"[0-9a-f]{32}"$/);
    const strong = etag.slice("W/".length);
    for (const known of [etag, strong]) {
      const answer = await fetch(url + path, { headers: { "if-none-match": known } });
      assert.deepEqual([answer.status, answer.headers.get("etag"), await answer.text()], [304, strong, ""]);
    }
    assert.equal((await fetch(url + path, { headers: { "if-none-match": '"other"' } })).status, 200);
  }
});

test("a file is compressed for those who take that", async () => {
  const { url } = workers.runner;
  for (const path of ["/", "/openapi.json", ...FILES.filter((file) => file.endsWith(".wasm"))]) {
    const plain = await fetch(url + path, { headers: { "accept-encoding": "identity" } });
    const coded = await fetch(url + path, { headers: { "accept-encoding": "gzip, br" } });
    assert.equal(coded.headers.get("content-encoding"), "gzip");
    assert.equal(coded.headers.get("vary"), "accept-encoding");
    assert.ok(Number(coded.headers.get("content-length")) < Number(plain.headers.get("content-length")));
    assert.deepEqual(await coded.bytes(), await plain.bytes());
    const head = await fetch(url + path, { method: "HEAD", headers: { "accept-encoding": "gzip" } });
    assert.equal(head.headers.get("content-length"), coded.headers.get("content-length"));
    const known = { "if-none-match": coded.headers.get("etag") ?? "" };
    assert.equal((await fetch(url + path, { headers: known })).status, 304);
  }
});

test("what is no file is the Worker's", async () => {
  for (const path of OTHERS) {
    const answer = await fetch(workers.runner.url + path);
    assert.equal(answer.status, 404);
    assert.equal((await answer.json()).code, "route_not_found");
  }
});
