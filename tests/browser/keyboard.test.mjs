// Everything by keyboard alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { failOnce } from "./app.mjs";
import { site } from "./site.mjs";

const here = site();

const { app } = here;

/** The name of what has the focus, as far as it is told by label or text. */
const focused = (page) =>
  page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "");

/** Presses Tab until what has the focus matches. */
async function tabTo(page, name, key = "Tab") {
  for (let presses = 0; presses < 30; presses++) {
    if (name.test(await focused(page))) return;
    await page.keyboard.press(key);
  }
  assert.fail(`${key} never reached ${name}; it ended at ${await focused(page)}`);
}

test("from the first message to the deletion of a chat without a pointer", () =>
  app(async (chat, page) => {
    const { keyboard } = page;
    assert.equal(await focused(page), "Message", "one can type at once");
    await keyboard.type("Written by hand");
    await keyboard.press("Enter");
    await chat.whole();
    assert.equal(await focused(page), "Message");

    await keyboard.press("Alt+n");
    await page.getByText("Hello! What’s on your mind?").waitFor();
    await keyboard.type("Another one");
    await keyboard.press("Enter");
    await chat.whole();
    await chat.list.locator("[data-session]").first().filter({ hasText: "Another one" }).waitFor();

    // From the box back to the list, down to the older chat, and open it.
    await tabTo(page, /^Another one/, "Shift+Tab");
    await keyboard.press("ArrowDown");
    assert.match(await focused(page), /^Written by hand/);
    await keyboard.press("Enter");
    await chat.questions.getByText("Written by hand").waitFor();
    await page.waitForFunction(() => document.activeElement?.id === "composer");

    // Its menu: up and down, out again by Escape, in again, to the last entry, which deletes it.
    await tabTo(page, /^More for “Written by hand”$/, "Shift+Tab");
    await keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement?.textContent === "Rename");
    await keyboard.press("ArrowDown");
    assert.equal(await focused(page), "Pin");
    await keyboard.press("Escape");
    assert.match(await focused(page), /^More for/);
    await keyboard.press("ArrowDown");
    await page.waitForFunction(() => document.activeElement?.textContent === "Rename");
    await keyboard.press("End");
    assert.equal(await focused(page), "Delete");
    await keyboard.press("Enter");
    await chat.session("Written by hand").waitFor({ state: "detached" });
    await page.waitForFunction(() => document.activeElement?.textContent?.startsWith("Another one"));

    // Second thoughts.
    await tabTo(page, /^Undo$/);
    await keyboard.press("Enter");
    await chat.session("Written by hand").waitFor();
  }));

test("a chat is renamed without a pointer", () =>
  app(async (chat, page) => {
    await chat.say("Before");
    await tabTo(page, /^More for “Before”$/, "Shift+Tab");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement?.textContent === "Rename");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "Title");
    await page.keyboard.type("After");
    await page.keyboard.press("Enter");
    await chat.session("After").waitFor();
    await page.waitForFunction(() => document.activeElement?.textContent?.startsWith("After"));
  }));

test("the shortcuts are listed, by a shortcut", () =>
  app(async (_chat, page) => {
    await page.keyboard.press("Control+/");
    const dialog = page.getByRole("dialog", { name: "Keyboard shortcuts" });
    await dialog.getByText("Search your chats").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  }));

test("what comes first skips the list", () =>
  app(async (_chat, page) => {
    await tabTo(page, /^Skip to the message box$/, "Shift+Tab");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement?.id === "composer");
  }));

test("the log scrolls by keyboard", () =>
  app(async (chat, page) => {
    await chat.say("line\n".repeat(80));
    await chat.log.focus();
    const before = await chat.log.evaluate((el) => el.scrollTop);
    await page.keyboard.press("PageUp");
    await page.waitForFunction((was) => document.querySelector("[role=log]").scrollTop < was, before);
  }));

test("the focus is never lost: after an edit, another answer, a notice, a retry", () =>
  app(async (chat, page) => {
    const { keyboard } = page;
    await chat.say("First");
    await chat.questions.first().hover();
    await chat.questions.first().getByRole("button", { name: "Edit message" }).click();
    await keyboard.press("Escape");
    await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "Edit message");
    await keyboard.press("Enter");
    await keyboard.type(" of all");
    await keyboard.press("Enter");
    await chat.replies.getByText("First of all").waitFor();
    await chat.whole();
    assert.equal(await focused(page), "Message");

    await chat.replies.first().getByRole("button", { name: "Answer again" }).click();
    await chat.whole();
    assert.equal(await focused(page), "Message");

    await chat.choose("First of all", "Archive");
    await chat.toast("Chat archived.").getByRole("button", { name: "Undo" }).click();
    await chat.toast("Chat archived.").waitFor({ state: "detached" });
    await page.waitForFunction(() => document.activeElement !== document.body);

    await failOnce(page, "responder_failed", 502);
    await chat.send("Lost");
    await chat.log.getByRole("button", { name: "Retry" }).press("Enter");
    await chat.replies.nth(1).waitFor();
    await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "Messages");
  }));
