// The administration page: the key, counts, charts, search, a session looked at and deleted, the log; and the page of the API.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { eventually, PHONE } from "./app.mjs";
import { site } from "./site.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const KEY = "administrators-key";
const OWNERS = ["ada", "bob", "eve"];
const here = site({ vars: { API_KEYS: KEY, ADMIN_TEXTS: "on" }, prepare: seed });

/** Sessions that are there to be deleted together. */
const HEAP = Array.from({ length: 8 }, (_, number) => `heap-${number}`);

/** Two sessions of each owner. */
async function seed({ worker }) {
  for (const owner of OWNERS) {
    for (const number of [1, 2]) {
      const headers = { "x-api-key": KEY, "chatkeep-user": owner, "content-type": "application/json" };
      const body = JSON.stringify({ message: `Plans of ${owner} ${number}`, session_id: `${owner}-${number}` });
      const answer = await fetch(`${worker.url}/v1/chat`, { method: "POST", headers, body });
      assert.equal(answer.status, 200);
    }
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
  here.page("/admin", async (page) => {
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
  here.page("/admin", async (page) => {
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

test("several are chosen by keys, and deleted together after a question, with how far it is", () =>
  here.page("/admin", async (page) => {
    const headers = { "x-api-key": KEY, "chatkeep-user": "heap", "content-type": "application/json" };
    for (const session_id of HEAP) {
      const body = JSON.stringify({ session_id });
      assert.equal((await fetch(`${here.worker.url}/v1/sessions`, { method: "POST", headers, body })).status, 201);
    }
    await enter(page);
    await page.getByRole("searchbox").fill("heap-");
    await page.keyboard.press("Enter");
    await eventually(
      () => rows(page).count(),
      (count) => count === HEAP.length,
    );
    const box = (at) => rows(page).nth(at).getByRole("checkbox");
    // From the second to the fourth, by the keyboard alone.
    await box(1).focus();
    await page.keyboard.press("Space");
    await box(3).focus();
    await page.keyboard.press("Shift+Space");
    await page.getByText("3 chosen").waitFor();
    await inspect(page, "three chosen");

    const dialog = page.getByRole("dialog", { name: "Delete 3 sessions?" });
    await page.keyboard.press("Delete");
    await dialog.waitFor();
    await inspect(page, "the question");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    assert.equal(await rows(page).count(), HEAP.length, "nothing goes unasked");

    // The second deletion waits until the bar has been looked at.
    let goOn = () => {};
    const gate = new Promise((resolve) => {
      goOn = () => resolve(undefined);
    });
    let asked = 0;
    await page.route("**/v1/admin/sessions?*", async (route) => {
      if (route.request().method() === "DELETE" && ++asked === 2) await gate;
      await route.continue();
    });
    await page.getByRole("button", { name: "Delete the chosen" }).click();
    await dialog.getByRole("button", { name: /^Delete 3 sessions/ }).click();
    await dialog.getByText("1 of 3").waitFor();
    assert.equal(await dialog.getByRole("progressbar", { name: "Deleted" }).getAttribute("value"), "1");
    goOn();
    await page.getByRole("status").getByText("Deleted 3 sessions.").waitFor();
    assert.equal(await rows(page).count(), HEAP.length - 3);
    assert.ok(await page.getByRole("searchbox").evaluate((element) => element === document.activeElement));

    // What one refuses leaves the rest.
    await page.unroute("**/v1/admin/sessions?*");
    await page.route("**/v1/admin/sessions?*", (route) =>
      route.request().method() === "DELETE" && ++asked === 5
        ? route.fulfill({ status: 503, json: { code: "store_unavailable" } })
        : route.continue(),
    );
    await page.getByRole("checkbox", { name: "Choose all that are shown" }).check();
    await page.getByRole("button", { name: "Delete the chosen" }).click();
    await page.getByRole("button", { name: /^Delete 5 sessions/ }).click();
    await page.getByText("Deleted 1 session. The others are still there: store_unavailable.").waitFor();
    assert.equal(await rows(page).count(), 4);
  }));

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing, ${colorScheme}`, () =>
    here.page(
      "/admin",
      async (page) => {
        await page.getByLabel("API key").waitFor();
        await inspect(page, "the key");
        await enter(page);
        await eventually(
          () => rows(page).count(),
          (count) => count > 0,
        );
        await inspect(page, "the figures");
      },
      { colorScheme },
    ));
}

test("on a phone nothing is wider than the screen", () =>
  here.page(
    "/admin",
    async (page) => {
      await enter(page);
      await eventually(
        () => rows(page).count(),
        (count) => count > 0,
      );
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
      await inspect(page, "the figures on a phone");
    },
    PHONE,
  ));

test("the API's page shows every operation", () =>
  here.page("/docs", async (page) => {
    await page.locator("#chat").waitFor();
    const { paths } = await (await fetch(`${here.worker.url}/openapi.json`)).json();
    const operations = Object.values(paths).flatMap((methods) => Object.keys(methods)).length;
    assert.equal(await page.locator(".operation").count(), operations);
    await inspect(page, "the operations");
    await page.getByRole("searchbox").fill("fork");
    await page.getByText("Branch at a message").click();
    await page.getByText("The new session, with the messages up to that one.").waitFor();
    await inspect(page, "an operation");
  }));
