// What can be done with a message: copy, edit, answer again; chats that nobody keeps; and being offline.
import assert from "node:assert/strict";
import { test } from "node:test";
import { api, eventually } from "./app.mjs";
import { site } from "./site.mjs";

const here = site();

const { app } = here;

/** What the server has of the newest session. */
async function stored() {
  const { sessions } = await api(here.worker.url, "/v1/sessions");
  const { messages } = await api(here.worker.url, `/v1/sessions/${sessions[0].session_id}/history`);
  return messages.map(({ role, content }) => (role === "user" ? content : role));
}

test("an edited message takes the place of what was said, and of all that followed", () =>
  app(async (chat, page) => {
    await chat.say("One");
    await chat.say("Two");
    await chat.say("Three");
    const second = chat.questions.nth(1);
    await second.hover();
    await second.getByRole("button", { name: "Edit message" }).click();
    const field = chat.log.getByRole("textbox", { name: "Edit the message" });
    await field.press("Escape");
    assert.equal(await chat.messages.count(), 6, "Escape changes nothing");

    await second.hover();
    await second.getByRole("button", { name: "Edit message" }).click();
    await field.fill("Two and a half");
    await field.press("Enter");
    await chat.questions.getByText("Two and a half").waitFor();
    await eventually(stored, (all) => JSON.stringify(all) === '["One","assistant","Two and a half","assistant"]');
    assert.equal(await chat.messages.count(), 4);
    await page.reload();
    await chat.replies.nth(1).waitFor();
    assert.equal(await chat.messages.count(), 4);
  }));

test("an answer can be had again", () =>
  app(async (chat) => {
    await chat.say("Once more");
    const before = await api(here.worker.url, "/v1/sessions");
    const id = before.sessions[0].session_id;
    const reply = async () => (await api(here.worker.url, `/v1/sessions/${id}/history`)).messages.at(-1).id;
    const first = await reply();
    await chat.replies.first().getByRole("button", { name: "Answer again" }).click();
    await eventually(reply, (now) => now !== first);
    await eventually(stored, (all) => JSON.stringify(all) === '["Once more","assistant"]');
    assert.notEqual(await reply(), first);
    assert.equal(await chat.messages.count(), 2);
  }));

test("a message is copied as it was written", () =>
  app(
    async (chat, page) => {
      await chat.say("**to** the letter");
      await chat.questions.first().hover();
      await chat.questions.first().getByRole("button", { name: "Copy message" }).click();
      await chat.questions.first().getByText("Copied").waitFor();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "**to** the letter");
    },
    { permissions: ["clipboard-read", "clipboard-write"] },
  ));

test("nothing of an incognito chat is kept, unless one says so", () =>
  app(async (chat, page) => {
    const count = async () => (await api(here.worker.url, "/v1/sessions")).count;
    const before = await count();
    await page.getByRole("button", { name: "Incognito" }).click();
    await page.getByText("Just between us").waitFor();
    await chat.say("A secret");
    await chat.say("And another");
    assert.equal(await count(), before);
    const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
    assert.doesNotMatch(kept, /secret|another/i);

    await page.getByRole("button", { name: "Keep this chat" }).click();
    await eventually(count, (now) => now === before + 1);
    assert.deepEqual(await stored(), ["A secret", "assistant", "And another", "assistant"]);
    await chat.session("A secret").waitFor();
  }));

test("what is written offline waits, can be taken back, and is sent in order", () =>
  app(async (chat, page, context) => {
    await chat.say("Still connected");
    await context.setOffline(true);
    await page.getByText("You’re offline.").waitFor();
    for (const text of ["First of the tunnel", "Not this one", "Second of the tunnel"]) await chat.send(text);
    await chat.log.getByText("Waiting for the network").nth(2).waitFor();
    await chat.questions.filter({ hasText: "Not this one" }).getByRole("button", { name: "Don’t send it" }).click();
    await eventually(
      () => chat.questions.count(),
      (count) => count === 3,
    );
    await context.setOffline(false);
    await chat.replies.nth(2).waitFor();
    await eventually(stored, (all) => all.length === 6);
    assert.deepEqual(
      (await stored()).filter((text) => text !== "assistant"),
      ["Still connected", "First of the tunnel", "Second of the tunnel"],
    );
  }));

test("the colours are one's own choice, kept through reloads", () =>
  app(
    async (_chat, page) => {
      const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const light = await background();
      await page.getByRole("combobox", { name: "Colours" }).selectOption("dark");
      const dark = await background();
      assert.notEqual(dark, light);
      await page.reload();
      await page.getByRole("combobox", { name: "Colours" }).waitFor();
      assert.equal(await background(), dark);
      await page.getByRole("combobox", { name: "Colours" }).selectOption("system");
      assert.equal(await background(), light);
    },
    { colorScheme: "light" },
  ));
