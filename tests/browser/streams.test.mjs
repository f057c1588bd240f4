// Replies as they stream, in the app: over a reload, in a second tab, until they are stopped.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Gate, words } from "../harness/model-api.mjs";
import { App, api } from "./app.mjs";
import { site } from "./site.mjs";

const here = site({ model: true });

/** Waits until a reply shows this text, as one that is still coming or as a whole one. */
const shows = (app, status, text) => app.log.locator(`[data-status=${status}]`, { hasText: text }).waitFor();

/** The last reply as the server has it. */
async function kept() {
  const { sessions } = await api(here.worker.url, "/v1/sessions");
  const { messages } = await api(here.worker.url, `/v1/sessions/${sessions[0].session_id}/history`);
  return messages.at(-1);
}

test("a page that is reloaded in mid-reply shows the rest of it", () =>
  here.app(async (app, page) => {
    const gate = new Gate();
    const asked = here.model.requests.length;
    here.model.answer(() => ({ stream: words("The first half, ", gate, "and the second.") }));
    await app.send("Tell me");
    await shows(app, "streaming", "The first half,");
    await page.reload();
    await shows(app, "streaming", "The first half,");
    gate.open();
    await shows(app, "stored", "The first half, and the second.");
    assert.equal(await app.messages.count(), 2);
    assert.equal(here.model.requests.length, asked + 1, "the model is asked once");
    assert.equal((await kept()).content, "The first half, and the second.");
  }));

test("a second tab shows a reply while the first one streams it, and the same at its end", () =>
  here.app(async (app, _page, context) => {
    const [first, second] = [new Gate(), new Gate()];
    here.model.answer(() => ({ stream: words("One ", first, "two ", second, "three.") }));
    await app.send("Count for both");
    await shows(app, "streaming", "One");
    const other = new App(await context.newPage());
    await other.page.goto(here.worker.url);
    await other.session("Count for both").click();
    await shows(other, "streaming", "One");
    first.open();
    for (const tab of [app, other]) await shows(tab, "streaming", "One two");
    second.open();
    for (const tab of [app, other]) await shows(tab, "stored", "One two three.");
    assert.deepEqual(await other.messages.allTextContents(), await app.messages.allTextContents());
  }));

test("a reply that is stopped stays as far as it had come, also after a reload", () =>
  here.app(async (app, page) => {
    here.model.answer(() => ({ stream: words("As far as ", new Gate(), "never") }));
    await app.send("Stop soon");
    await shows(app, "streaming", "As far as");
    await page.getByRole("button", { name: "Stop the answer" }).click();
    await shows(app, "stopped", "As far as");
    assert.deepEqual([(await kept()).content, (await kept()).status], ["As far as ", "stopped"]);
    await page.reload();
    await shows(app, "stopped", "As far as");
    assert.equal(await app.messages.count(), 2);
  }));

test("a connection that breaks in mid-reply is taken up where it was", () =>
  here.app(async (app, page, context) => {
    const [first, second] = [new Gate(), new Gate()];
    here.model.answer(() => ({ stream: words("Before ", first, "during ", second, "after.") }));
    await app.send("Mind the gap");
    await shows(app, "streaming", "Before");
    await context.setOffline(true);
    await page.getByText("offline").first().waitFor();
    first.open();
    await context.setOffline(false);
    await shows(app, "streaming", "Before during");
    second.open();
    await shows(app, "stored", "Before during after.");
  }));

test("until its first word a reply is being thought of, and the message counts as sent", () =>
  here.app(async (app, page) => {
    const [first, rest] = [new Gate(), new Gate()];
    here.model.answer(() => ({ stream: words(first, "At last", rest) }));
    const asked = here.model.requests.length;
    await app.send("Take your time");
    await here.model.received(asked + 1);
    await app.log.getByText("Sending…").waitFor({ state: "detached" });
    await app.thinking.waitFor();
    assert.equal(await app.replies.count(), 0, "nobody speaks without a word");
    await app.send("And then this");
    await app.log.getByText("Waiting for its turn").waitFor();
    const stop = page.getByRole("button", { name: "Stop the answer" });
    const colour = (button) => button.evaluate((el) => getComputedStyle(el).backgroundColor);
    const whenBlank = await colour(stop);
    first.open();
    await shows(app, "streaming", "At last");
    await app.thinking.waitFor({ state: "detached" });
    rest.open();
    await shows(app, "stored", "At last");
    const send = page.getByRole("button", { name: "Send" });
    await stop.waitFor({ state: "detached" });
    assert.equal(await send.getAttribute("aria-disabled"), "true");
    assert.notEqual(await colour(send), whenBlank, "Stop doesn't look disabled");
  }));
