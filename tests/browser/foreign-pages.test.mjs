// What foreign pages reach on a machine where localhost is open: a page of another site, and one whose name was rebound to it.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { Api } from "../harness/api.mjs";
import { startWorker } from "../harness/worker.mjs";
import { launch, withPage } from "./app.mjs";

let browser;
let worker;
let site;
let evil;
let rebound;
before(async () => {
  const vars = {
    VISITOR_SECRET: randomBytes(32).toString("hex"),
    OPEN_LOCALHOST: "on",
    OPEN_ADMIN: "off",
    CORS_ORIGINS: "http://localhost:*,http://127.0.0.1:*",
  };
  // Neither name is a loopback one: each leads to this machine, as a page's own server can have it.
  [browser, worker] = await Promise.all([
    launch(["--host-resolver-rules=MAP *.evil.test 127.0.0.1"]),
    startWorker({ store: "vault", vars }),
  ]);
  site = createServer((_, response) => {
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>evil</title><iframe name=sink></iframe>");
  });
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  evil = `http://www.evil.test:${site.address().port}/`;
  rebound = `http://rebind.evil.test:${new URL(worker.url).port}/`;
});
after(async () => {
  site?.close();
  await Promise.all([browser?.close(), worker?.stop()]);
});

/** Opens a page and evaluates in it. */
async function inPage(url, run, given) {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(url);
    return await page.evaluate(run, given);
  } finally {
    await context.close();
  }
}

/** Sends requests from a page, and gives their statuses. */
async function askAll(requests) {
  const statuses = [];
  for (const [method, path, headers = {}] of requests) {
    const response = await fetch(path, { method, headers }).catch((error) => ({ status: String(error) }));
    statuses.push(response.status);
  }
  return statuses;
}

const count = async () => (await new Api(worker.url).list()).count;

test("a page of another site plants nothing by requests without a preflight, or by a form", async () => {
  await inPage(
    evil,
    async (url) => {
      const send = (path, body) => fetch(url + path, { method: "POST", mode: "no-cors", body }).catch(() => {});
      await send("/v1/chat", '{"message":"planted"}');
      await send("/v1/sessions", "{}");
      await send("/v1/visitors", "");
      await send("/openta/chat/basic", '{"query":"planted","meta_params":{}}');
      const line = '{"session":{"owner":"u-victim","session_id":"planted","created_ms":1,"updated_ms":1}}\n';
      await send("/v1/admin/import", line);
      await send("/v1/import", line.replace('"owner":"u-victim",', ""));
      const form = document.createElement("form");
      Object.assign(form, { method: "post", action: `${url}/v1/chat`, enctype: "text/plain", target: "sink" });
      const field = document.createElement("input");
      Object.assign(field, { name: '{"message":"planted","x":"', value: '"}' });
      form.append(field);
      document.body.append(form);
      const sent = new Promise((resolve) => document.querySelector("iframe").addEventListener("load", resolve));
      form.submit();
      await sent;
    },
    worker.url,
  );
  assert.equal(await count(), 0);
  assert.equal((await new Api(worker.url, { "chatkeep-user": "victim" }).list()).count, 0);
});

test("a page whose name was rebound to this machine reads and changes nothing", async () => {
  await new Api(worker.url).say("Mine", { session_id: "mine" });
  const forwarded = { "X-Forwarded-Host": "localhost", "X-Forwarded-Proto": "http" };
  const statuses = await inPage(rebound, askAll, [
    ["GET", "/v1/sessions"],
    ["GET", "/v1/admin/export"],
    ["DELETE", "/v1/sessions/mine"],
    ["POST", "/v1/visitors"],
    ["GET", "/v1/sessions", forwarded],
    ["GET", "/v1/sessions", { "X-Original-URL": "http://localhost/v1/sessions" }],
  ]);
  assert.deepEqual(statuses, [403, 403, 403, 403, 403, 403]);
  assert.equal(await count(), 1);
});

// wrangler's dev server takes the request's URL from this header before the Worker sees it; `npm start` doesn't run it.
test("a rebound page names no other URL by a header", async () => {
  const headers = (path) => ({ "MF-Original-URL": `http://localhost${path}` });
  const statuses = await inPage(rebound, askAll, [
    ["GET", "/x", headers("/v1/sessions")],
    ["GET", "/v1/admin/export", headers("/v1/admin/export")],
    ["DELETE", "/v1/sessions/mine", headers("/v1/sessions/mine")],
  ]);
  assert.deepEqual(statuses, [404, 403, 403]);
  assert.equal(await count(), 1);
});

test("the app's own page is served as ever", async () => {
  const status = await inPage(`${worker.url}/docs`, async () => {
    const response = await fetch("/v1/chat", { method: "POST", body: '{"message":"Hello","session_id":"own"}' });
    return response.status;
  });
  assert.equal(status, 200);
});

test("the administration page says what opens it", () =>
  withPage(browser, `${worker.url}/admin`, {}, async (page) => {
    await page.getByRole("alert").getByText("set OPEN_ADMIN to on").waitFor();
  }));
