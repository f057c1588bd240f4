// The session list: New Chat, opening an old session, deleting, and what it says when it can't be loaded.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Gate } from "../harness/model-api.mjs";
import { api, eventually } from "./app.mjs";
import { site } from "./site.mjs";

const here = site();

const { app } = here;

test("an empty list says so", () =>
  app(async (_chat, page) => {
    await page.getByText("No chats yet.").waitFor();
  }));

test("New Chat starts over, the list shows both, and the old one opens again", () =>
  app(async (chat, page) => {
    await chat.say("Plan the garden");
    await chat.newChat();
    assert.equal(await chat.messages.count(), 0);
    await chat.say("Book the train");

    assert.equal(await chat.session("Book the train").getAttribute("aria-current"), "true");
    assert.equal(await chat.session("Plan the garden").getAttribute("aria-current"), null);
    assert.match(await chat.session("Plan the garden").textContent(), /just now[\s\S]*2 messages[\s\S]*7 days left/);
    const titles = await chat.list.locator("[data-session]").allTextContents();
    assert.match(titles[0], /^Book the train/, "newest activity first");

    await chat.session("Plan the garden").click();
    await chat.questions.getByText("Plan the garden").waitFor();
    assert.equal(await chat.messages.count(), 2);
    assert.equal(await chat.heading.textContent(), "Plan the garden");
    assert.equal(await chat.session("Plan the garden").getAttribute("aria-current"), "true");

    await page.reload();
    await chat.questions.getByText("Plan the garden").waitFor();
  }));

test("a search shows the chats with that in their titles, says when there are none, and ends with Escape", () =>
  app(async (chat, page) => {
    for (const text of ["Rain in Lisbon", "Sun in Lisbon", "Snow in Oslo"]) {
      await chat.say(text);
      await chat.newChat();
    }
    const titles = async () => (await chat.list.locator(".session-title").allTextContents()).sort();
    const search = page.getByRole("searchbox", { name: "Search your chats" });
    await search.fill("lisbon");
    await eventually(titles, (shown) => String(shown) === "Rain in Lisbon,Sun in Lisbon");
    await search.fill("Paris");
    await page.getByText("No chat has “Paris” in its title.").waitFor();
    await search.press("Escape");
    await chat.session("Snow in Oslo").waitFor();
    assert.equal(await search.inputValue(), "");
    await chat.session("Rain in Lisbon").waitFor();
  }));

test("what is typed stays with its chat", () =>
  app(async (chat) => {
    await chat.say("Alpha");
    await chat.box.fill("half a thought");
    await chat.newChat();
    assert.equal(await chat.box.inputValue(), "");
    await chat.session("Alpha").click();
    assert.equal(await chat.box.inputValue(), "half a thought");
  }));

test("a deleted chat is gone from the server, and Undo brings it back", () =>
  app(async (chat, page) => {
    await chat.say("Keep me");
    await chat.newChat();
    await chat.say("Throw me away");
    const id = await chat.session("Throw me away").getAttribute("data-session");
    const stored = async () => (await api(here.worker.url, "/v1/sessions")).sessions.some((it) => it.session_id === id);

    await chat.choose("Throw me away", "Delete");
    await chat.session("Throw me away").waitFor({ state: "detached" });
    await page.getByText("Hello! What’s on your mind?").waitFor();
    assert.equal(await stored(), false);

    await chat.toast("Chat deleted.").getByRole("button", { name: "Undo" }).click();
    await chat.session("Throw me away").waitFor();
    assert.equal(await stored(), true);
    await chat.questions.getByText("Throw me away").waitFor();

    await chat.choose("Throw me away", "Delete");
    await chat.toast("Chat deleted.").getByRole("button", { name: "Dismiss" }).click();
    await page.reload();
    await chat.session("Keep me").waitFor();
    assert.equal(await chat.session("Throw me away").count(), 0);
  }));

test("a delete that fails says so and keeps the session", () =>
  app(async (chat, page) => {
    await chat.say("Stubborn");
    await page.route("**/v1/sessions/*", (route) => route.abort(), { times: 1 });
    await chat.choose("Stubborn", "Delete");
    await chat.toast("That didn’t work.").waitFor();
    await chat.session("Stubborn").waitFor();
  }));

test("a chat is renamed where it stands, and Escape leaves its name", () =>
  app(async (chat, page) => {
    await chat.say("A working title");
    await chat.choose("A working title", "Rename");
    const field = chat.list.getByRole("textbox", { name: "Title" });
    await field.fill("Something else");
    await field.press("Escape");
    await chat.session("A working title").waitFor();

    await chat.choose("A working title", "Rename");
    await field.fill("The harbour 港");
    await field.press("Enter");
    await chat.session("The harbour 港").waitFor();
    assert.equal(await chat.heading.textContent(), "The harbour 港");
    await page.reload();
    await chat.session("The harbour 港").waitFor();
  }));

test("a pinned chat stays on top, an archived one steps aside", () =>
  app(async (chat, page) => {
    await chat.say("Older and dear");
    await chat.newChat();
    await chat.say("Newer");
    const order = async () => chat.list.locator("[data-session] .session-title").allTextContents();

    await chat.choose("Older and dear", "Pin");
    await eventually(order, (titles) => titles[0] === "Older and dear");
    await page.reload();
    await eventually(order, (titles) => titles[0] === "Older and dear");
    await chat.choose("Older and dear", "Unpin");
    await chat.list.getByText("Pinned").waitFor({ state: "detached" });

    await chat.choose("Older and dear", "Archive");
    await chat.session("Older and dear").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Show 1 archived" }).click();
    await chat.choose("Older and dear", "Take back");
    await page.getByRole("button", { name: "Hide archived" }).waitFor({ state: "detached" });
    await chat.session("Older and dear").waitFor();
  }));

test("chats are found by their titles, archived ones too", () =>
  app(async (chat, page) => {
    for (const text of ["Grow tomatoes", "Mend the roof"]) {
      await chat.say(text);
      await chat.newChat();
    }
    await chat.choose("Grow tomatoes", "Archive");
    await chat.session("Grow tomatoes").waitFor({ state: "detached" });
    await page.keyboard.press("Control+k");
    await page.keyboard.type("TOMATO");
    await chat.session("Grow tomatoes").waitFor();
    await chat.session("Mend the roof").waitFor({ state: "detached" });
    await page.keyboard.type("xyz");
    await page.getByText("No chat has “TOMATOxyz” in its title.").waitFor();
    await page.keyboard.press("Escape");
    await chat.session("Mend the roof").waitFor();
  }));

test("whoever goes on before an action is through keeps the focus", () =>
  app(async (chat, page) => {
    await chat.say("Put me away");
    await chat.say("And more");
    const gate = new Gate();
    await page.route("**/v1/sessions/*", async (route) => {
      await gate.opened;
      await route.continue();
    });
    await chat.choose("Put me away", "Archive");
    await page.keyboard.press("Control+k");
    const answered = page.waitForResponse((response) => response.request().method() === "PATCH");
    gate.open();
    await answered;
    await chat.session("Put me away").waitFor({ state: "detached" });
    // Two frames: the focus would be moved in the first.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await page.keyboard.type("away");
    assert.equal(await page.getByRole("searchbox").inputValue(), "away");
  }));

test("an exported chat can be imported again", () =>
  app(async (chat, page) => {
    await chat.say("Take me with you");
    const id = await chat.session("Take me with you").getAttribute("data-session");
    const [file] = await Promise.all([page.waitForEvent("download"), chat.choose("Take me with you", "Export")]);
    assert.equal(file.suggestedFilename(), "Take-me-with-you.ndjson");
    const lines = readFileSync(await file.path(), "utf8");
    await api(here.worker.url, `/v1/sessions/${id}`, { method: "DELETE" });
    await api(here.worker.url, `/v1/sessions/${id}/restore`, { method: "POST" });
    const answer = await api(here.worker.url, "/v1/import", {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: lines,
    });
    assert.deepEqual(answer.skipped, []);
  }));

test("a list that can't be loaded says so and can be asked for again", () =>
  app(async (chat, page) => {
    await chat.say("Somewhere");
    // One that passes would be tried again by itself.
    const problem = { type: "about:blank", title: "Refused", status: 403, code: "forbidden", retryable: false };
    const refusal = { status: 403, contentType: "application/problem+json", body: JSON.stringify(problem) };
    await page.route("**/v1/sessions", (route) => route.fulfill(refusal));
    await page.reload();
    const alert = page.getByRole("alert").filter({ hasText: "Your chats couldn’t be loaded." });
    await alert.waitFor();
    await page.unroute("**/v1/sessions");
    await alert.getByRole("button", { name: "Try again" }).click();
    await chat.session("Somewhere").waitFor();
    await alert.waitFor({ state: "detached" });
  }));

test("the notices go by themselves when the server is back", () =>
  app(async (chat, page) => {
    await chat.say("In the dark");
    await page.route("**/v1/**", (route) => route.abort());
    await page.reload();
    const alerts = page.getByRole("alert");
    await alerts.filter({ hasText: "Your chats couldn’t be loaded." }).waitFor();
    await alerts.filter({ hasText: "The messages couldn’t be loaded." }).waitFor();
    // What is written meanwhile doesn't hide that the rest is missing.
    await chat.send("Anybody there?");
    await chat.questions.getByText("Anybody there?").waitFor();
    await alerts.filter({ hasText: "The messages couldn’t be loaded." }).waitFor();
    await page.unroute("**/v1/**");
    await chat.session("In the dark").waitFor();
    await chat.questions.getByText("In the dark").waitFor();
    await eventually(
      () => alerts.count(),
      (count) => count === 0,
    );
  }));

test("notices stand over the chat, and the open chat is marked without colours too", () =>
  app(async (chat, page) => {
    await chat.say("Where is it?");
    await chat.choose("Where is it?", "Archive");
    const middle = ({ x, width }) => x + width / 2;
    const toast = await page.locator(".toast").boundingBox();
    const pane = await page.getByRole("main").boundingBox();
    assert.ok(Math.abs(middle(toast) - middle(pane)) < 2, `${middle(toast)} over ${middle(pane)}`);
    await chat.toast("Chat archived.").getByRole("button", { name: "Undo" }).click();
    await chat.session("Where is it?").waitFor();
    await page.emulateMedia({ forcedColors: "active" });
    const outline = (item) => item.evaluate((el) => getComputedStyle(el.closest("li")).outlineStyle);
    assert.equal(await outline(chat.session("Where is it?")), "solid");
    await chat.newChat();
    assert.equal(await outline(chat.session("Where is it?")), "none");
  }));

test("a history that can't be loaded says so and can be asked for again", () =>
  app(async (chat, page) => {
    await chat.say("Hard to read");
    // Any answer of the server makes the SDK read the history again, so only the history may be answered.
    let isServerBack = false;
    await page.route("**/v1/**", (route) =>
      isServerBack && route.request().url().includes("/history") ? route.continue() : route.abort(),
    );
    await page.reload();
    const alert = chat.log.getByRole("alert").filter({ hasText: "The messages couldn’t be loaded." });
    await alert.waitFor();
    isServerBack = true;
    await alert.getByRole("button", { name: "Try again" }).click();
    await chat.replies.first().waitFor();
    await alert.waitFor({ state: "detached" });
  }));

test("a chat from elsewhere is there when one comes back to the page", () =>
  app(async (chat, page) => {
    await chat.say("From here");
    await api(here.worker.url, "/v1/chat", { method: "POST", body: JSON.stringify({ message: "From elsewhere" }) });
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await eventually(
      () => chat.session("From elsewhere").count(),
      (count) => count === 1,
    );
  }));
