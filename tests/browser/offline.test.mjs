// Messages that wait: without a network, across reloads, in their order, once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { api, eventually } from "./app.mjs";
import { sdkTests } from "./sdk.mjs";

const withContext = sdkTests();

test("what is said offline waits, survives a reload, and goes out in order when the network is back", () =>
  withContext(async (context, url) => {
    const tab = await context.open();
    await tab.call("send", "Zero");
    const { sessionId } = await tab.snapshot();
    await context.setOffline(true);
    await tab.begin("send", "One");
    await tab.begin("send", "Two");
    const waiting = ["Zero (stored)", "You said: Zero (stored)", "One (pending)", "Two (pending)"];
    assert.deepEqual(await tab.lines(), waiting);
    assert.equal((await tab.snapshot()).online, false);
    await tab.page.reload();
    await tab.page.waitForFunction(() => globalThis.chat?.getSnapshot().ready);
    assert.deepEqual((await tab.lines()).slice(-2), ["One (pending)", "Two (pending)"]);
    assert.equal((await tab.snapshot()).sessionId, sessionId);
    const before = tab.requests.filter((request) => request === "POST /v1/chat").length;
    assert.equal(before, 1, "nothing is tried in vain");
    await context.setOffline(false);
    const said = ["Zero", "One", "Two"].flatMap((text) => [`${text} (stored)`, `You said: ${text} (stored)`]);
    await eventually(tab.lines, (lines) => lines.length === 6 && lines.every((line) => line.endsWith("(stored)")));
    await tab.call("history");
    assert.deepEqual(await tab.lines(), said);
    const { messages } = await api(url, `/v1/sessions/${sessionId}/history`);
    assert.deepEqual(
      messages.filter(({ role }) => role === "user").map(({ content }) => content),
      ["Zero", "One", "Two"],
    );
  }));

test("a message that waits can be taken back, and one that failed is offered again", () =>
  withContext(async (context) => {
    const tab = await context.open();
    await context.setOffline(true);
    await tab.begin("send", "Never mind");
    await tab.begin("send", "Keep this");
    const [{ id }] = (await tab.snapshot()).messages;
    await tab.call("discard", id);
    assert.deepEqual(await tab.lines(), ["Keep this (pending)"]);
    await context.setOffline(false);
    await eventually(tab.lines, (lines) => lines.length === 2);

    await context.route("**/v1/chat", (route) => route.abort());
    await tab.begin("send", "Lost");
    await eventually(tab.lines, (lines) => lines.at(-1) === "Lost (failed)");
    await context.unroute("**/v1/chat");
    const failed = (await tab.snapshot()).messages.at(-1);
    assert.equal(failed.problem.code, "network");
    const { response } = await tab.call("retry", failed.id);
    assert.match(response, /^You said: Lost/);
  }));

test("a session has its id before its first message has left, so that an address can name it", () =>
  withContext(async (context) => {
    const tab = await context.open();
    await context.setOffline(true);
    const named = await tab.page.evaluate(() => {
      globalThis.chat.send("First");
      const { sessionId } = globalThis.chat.getSnapshot();
      history.replaceState(null, "", `?session=${sessionId}`);
      // What a router does when it sees the new address.
      globalThis.chat.open(sessionId);
      return sessionId;
    });
    await context.setOffline(false);
    await eventually(tab.lines, (lines) => lines.length === 2);
    const { sessionId, sessions } = await tab.snapshot();
    assert.equal(sessionId, named);
    assert.equal(sessions.length, 1);
  }));

test("a client that is too old for the server says so, and what was said waits for the new one", () =>
  withContext(async (context) => {
    const tab = await context.open();
    // What the page of an older version would say.
    await context.route("**/v1/chat", (route) =>
      route.continue({ headers: { ...route.request().headers(), "chatkeep-client": "0" } }),
    );
    const code = await tab.page.evaluate(() =>
      globalThis.chat.send("Hello").then(
        () => "answered",
        (error) => `${error.name} ${error.code} ${error.status} ${error.retryable}`,
      ),
    );
    assert.equal(code, "ChatkeepError client_too_old 426 false");
    await context.unroute("**/v1/chat");
    await tab.page.reload();
    await tab.page.waitForFunction(() => globalThis.chat?.getSnapshot().ready);
    assert.deepEqual(await tab.lines(), ["Hello (failed)"]);
    const [{ id }] = (await tab.snapshot()).messages;
    assert.match((await tab.call("retry", id)).response, /^You said: Hello/);
  }));

test("storage that is full or forbidden costs the memory of a reload, not the chat", () =>
  withContext(async (context) => {
    await context.addInitScript(() => {
      Storage.prototype.setItem = () => {
        throw new DOMException("full", "QuotaExceededError");
      };
    });
    const tab = await context.open();
    assert.match((await tab.call("send", "Hello")).response, /^You said: Hello/);
    await tab.page.reload();
    await tab.page.waitForFunction(() => globalThis.chat?.getSnapshot().ready);
    assert.deepEqual(await tab.lines(), []);
  }));
