// Chatting: a message and its reply, reloads, failures, and the log's scrolling.
import assert from "node:assert/strict";
import { test } from "node:test";
import { api, eventually, failOnce } from "./app.mjs";
import { site } from "./site.mjs";

const here = site();

const { app } = here;

test("a message is answered, and both say who speaks", () =>
  app(async (chat, page) => {
    await page.getByText("Hello! What’s on your mind?").waitFor();
    await chat.say("The tide is out");
    assert.match(await chat.questions.first().textContent(), /^You[\s\S]*The tide is out$/);
    assert.match(await chat.replies.first().textContent(), /^Assistant[\s\S]*The tide is out/);
    assert.equal(await chat.box.inputValue(), "");
    assert.equal(await chat.heading.textContent(), "The tide is out");
    assert.equal(await page.title(), "The tide is out · Chatkeep");
  }));

test("the open session says until when it is kept", () =>
  app(async (chat, page) => {
    await chat.say("How long?");
    const words = await page.getByText(/^Kept until/).textContent();
    assert.match(words, /^Kept until \d{1,2} \w+, \d\d:\d\d · 7 days left$/);
  }));

test("a reload keeps the session and what was said", () =>
  app(async (chat, page) => {
    await chat.say("Remember the lighthouse");
    await chat.say("And the harbour");
    await page.reload();
    await chat.replies.nth(1).waitFor();
    assert.equal(await chat.messages.count(), 4);
    assert.match(await chat.questions.first().textContent(), /Remember the lighthouse$/);
    await chat.say("Still there?");
    assert.equal(await chat.messages.count(), 6);
  }));

test("a restart of the server keeps the session too", () =>
  app(async (chat, page) => {
    await chat.say("Before the restart");
    await here.worker.restart();
    await page.reload();
    await chat.replies.first().waitFor();
    await chat.say("After the restart");
    assert.equal(await chat.messages.count(), 4);
  }));

test("white space, long words and right-to-left text stay as written", () =>
  app(async (chat) => {
    await chat.say("one\n  two\n\nthree");
    assert.equal(await chat.questions.first().locator("[dir=auto]").textContent(), "one\n  two\n\nthree");
    await chat.say("w".repeat(2_000));
    assert.ok(await chat.log.evaluate((el) => el.scrollWidth <= el.clientWidth));
    await chat.say("متى يفتح المتحف؟");
    const direction = await chat.questions
      .nth(2)
      .locator("[dir=auto]")
      .evaluate((el) => getComputedStyle(el).direction);
    assert.equal(direction, "rtl");
  }));

test("markup in a message is text", () =>
  app(async (chat, page) => {
    await chat.say("<img src=x onerror=document.title='broken'><b>bold</b>");
    assert.equal(await chat.log.locator("img, b").count(), 0);
    assert.doesNotMatch(await page.title(), /^broken/);
  }));

test("Shift+Enter breaks the line, and Enter that ends a composition doesn't send", () =>
  app(async (chat) => {
    const lineHeight = (await chat.box.boundingBox()).height;
    await chat.box.fill("first");
    await chat.box.press("Shift+Enter");
    await chat.box.pressSequentially("second");
    assert.equal(await chat.box.inputValue(), "first\nsecond");
    assert.ok((await chat.box.boundingBox()).height > lineHeight, "the box has grown");
    await chat.box.evaluate((el) =>
      el.dispatchEvent(
        new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true }),
      ),
    );
    assert.equal(await chat.box.inputValue(), "first\nsecond");
    assert.equal(await chat.messages.count(), 0);
  }));

test("nothing is sent when there is nothing to say", () =>
  app(async (chat, page) => {
    await chat.send("  \n ");
    await page.getByRole("button", { name: "Send" }).click({ force: true });
    assert.equal(await chat.messages.count(), 0);
  }));

test("a send that gets no answer is sent again by itself, once", () =>
  app(async (chat, page) => {
    let tries = 0;
    await page.route("**/v1/chat", (route) => (++tries < 3 ? route.abort() : route.continue()));
    await chat.send("Into the void");
    await chat.replies.first().waitFor();
    assert.equal(tries, 3);
    await page.reload();
    await chat.replies.first().waitFor();
    assert.equal(await chat.messages.count(), 2);
  }));

test("a send that the server answered, unheard, isn't doubled when it is sent again", () =>
  app(async (chat, page) => {
    await page.route(
      "**/v1/chat",
      async (route) => {
        await route.fetch();
        await route.abort();
      },
      { times: 1 },
    );
    await chat.send("Heard, not answered");
    await chat.replies.first().waitFor();
    await page.reload();
    await chat.replies.first().waitFor();
    assert.equal(await chat.messages.count(), 2);
  }));

test("a failing assistant is named, and Retry asks it again", () =>
  app(async (chat, page) => {
    await failOnce(page, "responder_failed", 502);
    await chat.send("Anyone there?");
    await chat.log.getByText("The assistant couldn’t answer.").waitFor();
    await chat.log.getByRole("button", { name: "Retry" }).click();
    await chat.replies.first().waitFor();
    assert.equal(await chat.log.getByRole("button", { name: "Retry" }).count(), 0);
    assert.equal(await chat.messages.count(), 2);
  }));

test("a message that wasn't answered can go back into the box", () =>
  app(async (chat, page) => {
    await failOnce(page, "responder_failed", 502);
    await chat.send("Anyone there?");
    await chat.log.getByText("The assistant couldn’t answer.").waitFor();
    await chat.log.getByRole("button", { name: "Back into the box" }).click();
    assert.equal(await chat.box.inputValue(), "Anyone there?");
    await eventually(
      () => chat.messages.count(),
      (count) => count === 0,
    );
    await chat.say("Anyone at all?");
  }));

test("one can write on while an answer is on its way", () =>
  app(async (chat, page) => {
    let answer;
    const held = new Promise((resolve) => {
      answer = resolve;
    });
    await page.route(
      "**/v1/chat",
      async (route) => {
        await held;
        await route.continue();
      },
      { times: 1 },
    );
    await chat.send("First");
    await chat.thinking.waitFor();
    await chat.send("Second");
    await chat.box.fill("a draft");
    assert.equal(await chat.questions.count(), 2);
    answer();
    await chat.replies.nth(1).waitFor();
    const order = await chat.messages.locator("[dir=auto]").allTextContents();
    assert.equal(order[0], "First");
    assert.equal(order[2], "Second");
    assert.equal(await chat.box.inputValue(), "a draft");
  }));

test("a message typed while the client can't be loaded waits, across a reload, and is sent", () =>
  app(async (chat, page) => {
    await page.route("**/*.wasm", (route) => route.abort());
    await page.reload();
    await chat.log.getByText("A part of this page couldn’t be loaded.").waitFor();
    await chat.send("Keep this");
    await chat.messages.getByText("Keep this").waitFor();
    await page.reload();
    await chat.messages.getByText("Keep this").waitFor();
    await chat.log.getByText("A part of this page couldn’t be loaded.").waitFor();
    await page.unroute("**/*.wasm");
    await chat.replies.first().waitFor();
    assert.equal(await chat.messages.getByText("Keep this", { exact: true }).count(), 1);
  }));

test("a session that was deleted elsewhere says so, and Retry goes on in a new one", () =>
  app(async (chat, page) => {
    // It doesn't hear of it before it is told so.
    await page.routeWebSocket("**/v1/events", () => {});
    await page.reload();
    await chat.say("Short-lived");
    const id = await chat.session("Short-lived").getAttribute("data-session");
    await api(here.worker.url, `/v1/sessions/${id}`, { method: "DELETE" });
    await chat.send("Are you there?");
    await chat.log.getByText("This chat was deleted.").waitFor();
    await chat.log.getByRole("button", { name: "Retry in a new chat" }).click();
    await chat.replies.getByText("Are you there?").first().waitFor();
    await page.reload();
    await chat.replies.first().waitFor();
    assert.match(await chat.questions.first().textContent(), /Are you there\?$/);
  }));

test("the log follows the newest message, but not under a reader who has scrolled up", () =>
  app(async (chat, page) => {
    const rest = () => chat.log.evaluate((el) => Math.round(el.scrollHeight - el.scrollTop - el.clientHeight));
    await chat.say(`Tall\n${"line\n".repeat(60)}`);
    await eventually(rest, (px) => px <= 1);

    let answer;
    const held = new Promise((resolve) => {
      answer = resolve;
    });
    await page.route("**/v1/chat", async (route) => {
      await held;
      await route.continue();
    });
    await chat.send("And now?");
    await chat.thinking.waitFor();
    await eventually(rest, (px) => px <= 1);
    await chat.log.evaluate((el) => {
      el.scrollTop = 0;
    });
    const down = page.getByRole("button", { name: "Go to the newest message" });
    await down.waitFor();
    answer();
    await chat.replies.nth(1).waitFor();
    assert.equal(await chat.log.evaluate((el) => el.scrollTop), 0);
    await down.click();
    await eventually(rest, (px) => px <= 1);
    await down.waitFor({ state: "detached" });

    await chat.log.evaluate((el) => {
      el.scrollTop = 0;
    });
    await down.waitFor();
    await chat.newChat();
    await down.waitFor({ state: "detached" });
  }));

test("older messages are loaded on demand and the reader stays where they were", () =>
  app(async (chat, page) => {
    const turns = 60;
    await chat.say("Turn 0");
    const session_id = await chat.session("Turn 0").getAttribute("data-session");
    for (let turn = 1; turn < turns; turn++) {
      const body = JSON.stringify({ message: `Turn ${turn}`, session_id });
      await api(here.worker.url, "/v1/chat", { method: "POST", body });
    }
    await page.reload();
    await chat.questions.getByText(`Turn ${turns - 1}`, { exact: true }).waitFor();
    assert.equal(await chat.questions.getByText("Turn 0", { exact: true }).count(), 0);

    const older = page.getByRole("button", { name: "Load older messages" });
    await older.scrollIntoViewIfNeeded();
    const oldest = await chat.messages.first().elementHandle();
    const above = (await oldest.boundingBox()).y;
    await older.click();
    await chat.questions.getByText("Turn 0", { exact: true }).waitFor({ state: "attached" });
    await older.waitFor({ state: "detached" });
    assert.equal(await chat.messages.count(), 2 * turns);
    const moved = Math.abs((await oldest.boundingBox()).y - above);
    assert.ok(moved < 80, `moved by ${moved} px`);
  }));
