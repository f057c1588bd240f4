// Two tabs of one browser: in step without a request, and no message sent twice.
import assert from "node:assert/strict";
import { test } from "node:test";
import { api, eventually } from "./app.mjs";
import { sdkTests } from "./sdk.mjs";

const withContext = sdkTests();
const withTabs = (use) =>
  withContext(async (context, url) => use(await context.open(), await context.open(), context, url));

test("messages, titles and deletions show in the other tab, without a request of its own", () =>
  withTabs(async (first, second) => {
    await first.call("send", "Hello");
    const { sessionId } = await first.snapshot();
    await eventually(second.snapshot, ({ sessions }) => sessions[0]?.id === sessionId);
    await first.call("rename", sessionId, "Greetings");
    await eventually(second.snapshot, ({ sessions }) => sessions[0]?.title === "Greetings");
    await second.call("open", sessionId);
    const asked = second.requests.length;
    await first.call("send", "Again");
    await eventually(second.lines, (lines) => lines.length === 4);
    assert.deepEqual(await second.lines(), await first.lines());
    await first.call("delete", sessionId);
    await eventually(second.snapshot, (view) => view.sessions.length === 0 && view.sessionId === null);
    await first.call("restore", sessionId);
    await eventually(second.snapshot, ({ sessions }) => sessions.length === 1);
    assert.equal(second.requests.length, asked);
  }));

test("each tab keeps and sends its own messages, each of them once", () =>
  withTabs(async (first, second, context, url) => {
    await first.call("send", "Zero");
    const { sessionId } = await first.snapshot();
    await second.call("open", sessionId);
    await context.setOffline(true);
    await first.begin("send", "From the first");
    await second.begin("send", "From the second");
    for (const tab of [first, second]) {
      await eventually(tab.lines, (lines) => lines.filter((line) => line.endsWith("(pending)")).length === 2);
    }
    await context.setOffline(false);
    for (const tab of [first, second]) {
      await eventually(tab.lines, (lines) => lines.length === 6 && lines.every((line) => line.endsWith("(stored)")));
    }
    assert.deepEqual([first.sent.size, second.sent.size], [2, 1], "none of them by both");
    assert.ok([...second.sent].every((id) => !first.sent.has(id)));
    const { messages } = await api(url, `/v1/sessions/${sessionId}/history`);
    const said = messages.filter(({ role }) => role === "user").map(({ content }) => content);
    assert.deepEqual(said.sort(), ["From the first", "From the second", "Zero"]);
  }));

test("what a closed tab has left unsent, the other one sends, once", () =>
  withTabs(async (first, second, context, url) => {
    await context.setOffline(true);
    await first.begin("send", "Left behind");
    const { sessionId } = await first.snapshot();
    await eventually(second.snapshot, ({ sessions }) => sessions[0]?.id === sessionId);
    await first.page.close();
    await second.page.waitForFunction(
      async () => (await navigator.locks.query()).held.filter(({ name }) => name.startsWith("chatkeep")).length === 1,
    );
    await context.setOffline(false);
    await second.call("open", sessionId);
    await eventually(second.lines, (lines) => lines.length === 2 && lines[0] === "Left behind (stored)");
    const { messages } = await api(url, `/v1/sessions/${sessionId}/history`);
    assert.equal(messages.length, 2);
    const third = await context.open();
    assert.equal((await api(url, `/v1/sessions/${sessionId}/history`)).messages.length, 2);
    assert.deepEqual(await third.lines(), []);
  }));

test("a reload finds its own chat, not the other tab's", () =>
  withTabs(async (first, second) => {
    await first.call("send", "In the first");
    await second.call("send", "In the second");
    for (const [tab, text] of [
      [second, "In the second"],
      [first, "In the first"],
    ]) {
      await tab.page.reload();
      await tab.page.waitForFunction(() => globalThis.chat?.getSnapshot().messages.length === 2);
      assert.equal((await tab.lines())[0], `${text} (stored)`);
    }
  }));

test("a reply comes in pieces, which join to the whole", () =>
  withTabs(async (first) => {
    const [pieces, whole] = await first.page.evaluate(async () => {
      const stream = globalThis.chat.stream("One two three");
      const pieces = [];
      for await (const piece of stream) pieces.push(piece);
      return [pieces, (await stream.reply).response];
    });
    assert.equal(pieces.join(""), whole);
    assert.ok(pieces.length > 1, "in more than one piece");
    assert.match(whole, /^You said: One two three/);
    assert.deepEqual(await first.lines(), ["One two three (stored)", "You said: One two three (stored)"]);
  }));

test("an incognito chat is kept nowhere, until it is kept", () =>
  withTabs(async (first, second, _context, url) => {
    await first.page.evaluate(() => globalThis.chat.newChat({ incognito: true }));
    await first.call("send", "Secret");
    await first.call("send", "And more");
    assert.equal((await first.lines()).length, 4);
    const { sessionId } = await first.snapshot();
    const kept = await first.page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
    assert.doesNotMatch(kept, /Secret|And more/);
    assert.equal((await fetch(`${url}/v1/sessions/${sessionId}`)).status, 404);
    assert.ok(!(await second.snapshot()).sessions.some(({ id }) => id === sessionId));
    await first.call("keep");
    assert.equal((await first.snapshot()).incognito, false);
    const { messages } = await api(url, `/v1/sessions/${sessionId}/history`);
    assert.deepEqual(
      messages.filter(({ role }) => role === "user").map(({ content }) => content),
      ["Secret", "And more"],
    );
    await eventually(second.snapshot, ({ sessions }) => sessions.some(({ id }) => id === sessionId));
  }));
