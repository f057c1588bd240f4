// A phone's width: the list is a drawer, and nothing is wider than the screen.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE } from "./app.mjs";
import { site } from "./site.mjs";

const here = site({ options: PHONE });

const { app } = here;
const fits = (page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);

test("the drawer opens, holds the focus, and opens a chat", () =>
  app(async (chat, page) => {
    await chat.say("On the train");
    await chat.newChat();
    await chat.say(`At home ${"w".repeat(300)}`);
    assert.ok(await fits(page));

    const opener = page.getByRole("button", { name: "Show your chats" });
    const drawer = page.getByRole("dialog", { name: "Chats" });
    assert.equal(await drawer.count(), 0);
    await opener.tap();
    await drawer.waitFor();
    assert.ok(await fits(page));

    // Whatever Tab reaches, it isn't the page below.
    for (let presses = 0; presses < 12; presses++) {
      await page.keyboard.press("Tab");
      assert.ok(
        await page.evaluate(
          () => document.activeElement === document.body || !!document.activeElement.closest("dialog"),
        ),
      );
    }

    await page.keyboard.press("Escape");
    await drawer.waitFor({ state: "hidden" });
    assert.ok(await opener.evaluate((el) => el === document.activeElement), "the focus is back");

    await opener.tap();
    await chat.session("On the train").tap();
    await drawer.waitFor({ state: "hidden" });
    await chat.questions.getByText("On the train").waitFor();
  }));

test("a tap beside the drawer or on its button closes it", () =>
  app(async (_chat, page) => {
    const opener = page.getByRole("button", { name: "Show your chats" });
    const drawer = page.getByRole("dialog", { name: "Chats" });
    await opener.tap();
    await drawer.waitFor();
    await page.touchscreen.tap(380, 400);
    await drawer.waitFor({ state: "hidden" });
    await opener.tap();
    await page.getByRole("button", { name: "Close the list" }).tap();
    await drawer.waitFor({ state: "hidden" });
  }));

test("New Chat in the drawer closes it and takes one to the message box", () =>
  app(async (chat, page) => {
    await chat.say("Before");
    await page.getByRole("button", { name: "Show your chats" }).tap();
    const drawer = page.getByRole("dialog", { name: "Chats" });
    await drawer.getByRole("button", { name: "New Chat" }).tap();
    await drawer.waitFor({ state: "hidden" });
    await page.getByText("Hello! What’s on your mind?").waitFor();
    await page.waitForFunction(() => document.activeElement?.id === "composer");
  }));

test("what is to be touched is large enough", () =>
  app(async (chat, page) => {
    await chat.say("Big fingers");
    await page.getByRole("button", { name: "Show your chats" }).tap();
    for (const button of await page.getByRole("button").all()) {
      if (!(await button.isVisible())) continue;
      const { width, height } = await button.boundingBox();
      assert.ok(Math.min(width, height) >= 32, `${await button.textContent()} is ${width} by ${height}`);
    }
  }));

test("Enter breaks the line, and the button sends", () =>
  app(async (chat, page) => {
    await chat.box.fill("first");
    await chat.box.press("Enter");
    await chat.box.pressSequentially("second");
    assert.equal(await chat.box.inputValue(), "first\nsecond");
    assert.equal(await chat.messages.count(), 0);
    await page.getByRole("button", { name: "Send" }).tap();
    await chat.whole();
    assert.equal(await chat.questions.first().locator(".message-body").textContent(), "first\nsecond");
  }));
