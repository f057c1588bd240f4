// The administration page: the key, counts, charts, search, a session looked at and deleted, the log; and the page of the API.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { startWorker } from "../harness/worker.mjs";
import { DESKTOP, eventually, launch, PHONE } from "./app.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const KEY = "administrators-key";
const OWNERS = ["ada", "bob", "eve"];
let browser;
let worker;

before(async () => {
  const vars = { API_KEYS: KEY, ADMIN_TEXTS: "on" };
  [browser, worker] = await Promise.all([launch(), startWorker({ store: "vault", vars })]);
  for (const owner of OWNERS) {
    for (const number of [1, 2]) {
      const headers = { "x-api-key": KEY, "chatkeep-user": owner, "content-type": "application/json" };
      const body = JSON.stringify({ message: `Plans of ${owner} ${number}`, session_id: `${owner}-${number}` });
      const answer = await fetch(`${worker.url}/v1/chat`, { method: "POST", headers, body });
      assert.equal(answer.status, 200);
    }
  }
});
after(async () => {
  await browser?.close();
  await worker?.stop();
});

/** Opens a page, to which no error may come. */
async function open(path, options, use) {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  context.setDefaultTimeout(15_000);
  try {
    const page = await context.newPage();
    const errors = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (line) => {
      if (line.type() === "error" && /security policy|react/i.test(line.text())) errors.push(line.text());
    });
    await page.goto(worker.url + path);
    await use(page);
    assert.deepEqual(errors, []);
  } finally {
    await context.close();
  }
}

async function enter(page) {
  await page.getByLabel("API key").fill(KEY);
  await page.getByRole("button", { name: "Show" }).click();
  await page.getByRole("heading", { name: "Sessions" }).waitFor();
}

async function inspect(page, state) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run());
  assert.deepEqual(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(", ")}`),
    [],
    state,
  );
}

const tile = (page, name) => page.locator(".tile", { hasText: name }).locator("strong");
const rows = (page) => page.getByRole("table", { name: /Sessions/ }).locator("tbody tr");

test("a key lets in, and stays in this tab alone", () =>
  open("/admin", DESKTOP, async (page) => {
    await page.getByLabel("API key").fill("wrong-key-of-somebody");
    await page.getByRole("button", { name: "Show" }).click();
    await page.getByRole("alert").getByText("isn’t one of the server’s").waitFor();
    await enter(page);
    await page.reload();
    await page.getByRole("heading", { name: "Sessions" }).waitFor();
    assert.equal(await page.evaluate(() => JSON.stringify(localStorage) + document.cookie), "{}");
    await page.getByRole("button", { name: "Forget the key" }).click();
    await page.getByLabel("API key").waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  }));

test("it counts, draws, finds, shows, and deletes", () =>
  open("/admin", DESKTOP, async (page) => {
    await enter(page);
    assert.equal(await tile(page, "Sessions").textContent(), "6");
    assert.equal(await tile(page, "Owners").textContent(), "3");
    assert.equal(await page.getByRole("img").count(), 7);
    await page.getByRole("img", { name: /Requests a minute: most [1-9]/ }).waitFor();
    await page.getByRole("img", { name: /Sessions by the time they have left: most 6, last 6/ }).waitFor();
    await eventually(
      () => rows(page).count(),
      (count) => count === 6,
    );

    await page.getByRole("searchbox").fill("plans of BOB");
    await page.keyboard.press("Enter");
    await eventually(
      () => rows(page).count(),
      (count) => count === 2,
    );
    await page.getByRole("button", { name: "Plans of bob 2" }).click();
    const dialog = page.getByRole("dialog", { name: "bob-2" });
    await dialog.getByText("u-bob").waitFor();
    await dialog.getByRole("button", { name: "Show the messages" }).click();
    await dialog.getByText("Plans of bob 2", { exact: true }).waitFor();
    await inspect(page, "a session");
    await dialog.getByRole("button", { name: "Delete…" }).click();
    await dialog.getByRole("button", { name: "Delete for good" }).click();
    await page.getByRole("status").getByText("Deleted bob-2.").waitFor();
    assert.equal(await rows(page).count(), 1);
    await eventually(
      () => tile(page, "Sessions").textContent(),
      (count) => count === "5",
    );

    await page.getByRole("button", { name: "Follow" }).click();
    await page.getByRole("list", { name: "The newest lines of the log" }).getByText("message_added").first().waitFor();
  }));

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing, ${colorScheme}`, () =>
    open("/admin", { ...DESKTOP, colorScheme }, async (page) => {
      await page.getByLabel("API key").waitFor();
      await inspect(page, "the key");
      await enter(page);
      await eventually(
        () => rows(page).count(),
        (count) => count > 0,
      );
      await inspect(page, "the figures");
    }));
}

test("on a phone nothing is wider than the screen", () =>
  open("/admin", PHONE, async (page) => {
    await enter(page);
    await eventually(
      () => rows(page).count(),
      (count) => count > 0,
    );
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    await inspect(page, "the figures on a phone");
  }));

test("the API's page shows every operation", () =>
  open("/docs", DESKTOP, async (page) => {
    await page.locator("#chat").waitFor();
    const { paths } = await (await fetch(`${worker.url}/openapi.json`)).json();
    const operations = Object.values(paths).flatMap((methods) => Object.keys(methods)).length;
    assert.equal(await page.locator(".operation").count(), operations);
    await inspect(page, "the operations");
    await page.getByRole("searchbox").fill("fork");
    await page.getByText("Branch at a message").click();
    await page.getByText("The new session, with the messages up to that one.").waitFor();
    await inspect(page, "an operation");
  }));
