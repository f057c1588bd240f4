// The session list: New Chat, opening an old session, deleting, and what it says when it can't be loaded.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startWorker } from "../harness/worker.mjs";
import { api, DESKTOP, eventually, launch, withApp } from "./app.mjs";

let browser;
let worker;

before(async () => {
  [browser, worker] = await Promise.all([launch(), startWorker({ store: "vault" })]);
});
after(async () => {
  await browser?.close();
  await worker?.stop();
});

const app = (use) => withApp(browser, worker.url, DESKTOP, use);

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

test("what is typed stays with its chat", () =>
  app(async (chat) => {
    await chat.say("Alpha");
    await chat.box.fill("half a thought");
    await chat.newChat();
    assert.equal(await chat.box.inputValue(), "");
    await chat.session("Alpha").click();
    assert.equal(await chat.box.inputValue(), "half a thought");
  }));

test("deleting asks first; No keeps it, Yes deletes it on the server", () =>
  app(async (chat, page) => {
    await chat.say("Keep me");
    await chat.newChat();
    await chat.say("Throw me away");
    const id = await chat.session("Throw me away").getAttribute("data-session");

    await chat.session("Throw me away").hover();
    await chat.deleteButton("Throw me away").click();
    const question = page.getByRole("group", { name: "Delete “Throw me away”?" });
    await question.getByRole("button", { name: "No, keep" }).click();
    await chat.session("Throw me away").waitFor();

    await chat.deleteButton("Throw me away").click();
    await question.getByRole("button", { name: "Yes, delete" }).click();
    await chat.session("Throw me away").waitFor({ state: "detached" });
    await page.getByText("Hello! What’s on your mind?").waitFor();
    await chat.session("Keep me").waitFor();
    const { sessions } = await api(worker.url, "/v1/sessions");
    assert.ok(sessions.every((session) => session.session_id !== id));

    await page.reload();
    await chat.session("Keep me").waitFor();
    assert.equal(await chat.session("Throw me away").count(), 0);
  }));

test("a delete that fails says so and keeps the session", () =>
  app(async (chat, page) => {
    await chat.say("Stubborn");
    await page.route("**/v1/sessions/*", (route) => route.abort(), { times: 1 });
    await chat.session("Stubborn").hover();
    await chat.deleteButton("Stubborn").click();
    await page.getByRole("button", { name: "Yes, delete" }).click();
    await page.getByRole("alert").getByText("The chat wasn’t deleted.").waitFor();
    await chat.session("Stubborn").waitFor();
  }));

test("a list that can't be loaded says so and can be asked for again", () =>
  app(async (chat, page) => {
    await chat.say("Somewhere");
    await page.route("**/v1/sessions", (route) => route.abort());
    await page.reload();
    const alert = page.getByRole("alert").filter({ hasText: "Your chats couldn’t be loaded." });
    await alert.waitFor();
    await page.unroute("**/v1/sessions");
    await alert.getByRole("button", { name: "Try again" }).click();
    await chat.session("Somewhere").waitFor();
    await alert.waitFor({ state: "detached" });
  }));

test("a history that can't be loaded says so and can be asked for again", () =>
  app(async (chat, page) => {
    await chat.say("Hard to read");
    await page.route("**/history*", (route) => route.abort());
    await page.reload();
    const alert = chat.log.getByRole("alert").filter({ hasText: "The messages couldn’t be loaded." });
    await alert.waitFor();
    await page.unroute("**/history*");
    await alert.getByRole("button", { name: "Try again" }).click();
    await chat.replies.first().waitFor();
    await alert.waitFor({ state: "detached" });
  }));

test("a chat from elsewhere is there when one comes back to the page", () =>
  app(async (chat, page) => {
    await chat.say("From here");
    await api(worker.url, "/v1/chat", { method: "POST", body: JSON.stringify({ message: "From elsewhere" }) });
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await eventually(
      () => chat.session("From elsewhere").count(),
      (count) => count === 1,
    );
  }));
