// The packed package in Node: no bundler, no browser, and every promise that its types make.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { startFakeServer } from "./fake-server.mjs";
import { project } from "./packed.mjs";

let server;
let folder;
let createChatkeep;
let ChatkeepError;

before(async () => {
  server = await startFakeServer();
  folder = project("node", { "consumer.js": 'export * from "chatkeep";' }, ["react", "react-dom", "scheduler"]);
  ({ createChatkeep, ChatkeepError } = await import(pathToFileURL(join(folder, "consumer.js"))));
});
after(() => server.close());

function memory() {
  const items = new Map();
  return {
    items,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}

/** A client and a promise of each next state of it that satisfies a condition. */
function client(options = {}) {
  const chat = createChatkeep({ url: server.url, storage: memory(), ...options });
  const until = (holds) =>
    new Promise((resolve) => {
      const look = () => {
        if (holds(chat.getSnapshot())) {
          stop();
          resolve(chat.getSnapshot());
        }
      };
      const stop = chat.subscribe(look);
      look();
    });
  return { chat, until };
}

test("calls made before the module is loaded wait for it, in their order", async () => {
  const { chat } = client();
  assert.equal(chat.getSnapshot().ready, false);
  assert.equal(chat.getSnapshot(), chat.getServerSnapshot());
  const [first, second] = await Promise.all([chat.send("One"), chat.send("Two")]);
  assert.equal(first.response, "You said: One");
  assert.deepEqual([first.created, second.created], [true, false]);
  assert.equal(first.sessionId, second.sessionId);
  assert.match(first.sessionId, /^sess_[0-9a-f]{12}7[0-9a-f]{19}$/);
  assert.match(first.messageId, /^[0-9a-f]{12}7[0-9a-f]{19}$/);
  assert.equal(chat.getSnapshot().sessionId, first.sessionId);
  assert.equal(chat.getSnapshot().messages.length, 4);
  chat.dispose();
});

test("a session survives a reload, and New Chat resets it", async () => {
  const storage = memory();
  const first = client({ storage });
  const { sessionId } = await first.chat.send("Hello");
  first.chat.dispose();
  const second = client({ storage });
  const shown = await second.until(({ ready, loading }) => ready && !loading);
  assert.equal(shown.sessionId, sessionId);
  assert.deepEqual(
    shown.messages.map(({ content }) => content),
    ["Hello", "You said: Hello"],
  );
  second.chat.newChat();
  assert.equal(second.chat.getSnapshot().sessionId, null);
  assert.equal(storage.items.size, 0);
  const other = await second.chat.send("Other");
  assert.notEqual(other.sessionId, sessionId);
  second.chat.dispose();
});

test("a message cut off by a reload is sent again under its id, and not twice to the user", async () => {
  const storage = memory();
  const first = client({ storage });
  first.chat.send("Hello");
  await first.until(({ messages }) => messages.some(({ status }) => status === "pending"));
  first.chat.dispose();
  const second = client({ storage });
  const shown = await second.until(({ messages }) => messages.length === 2);
  assert.equal(shown.messages[0].status, "stored");
  assert.equal(server.sessions.get(shown.sessionId).length, 2);
  second.chat.dispose();
});

test("a failed message stays, says why, and can be retried", async () => {
  const { chat } = client();
  const reason = await chat.send("fail").catch((error) => error);
  assert.ok(reason instanceof ChatkeepError && reason instanceof Error);
  assert.deepEqual([reason.code, reason.status, reason.retryable], ["responder_failed", 502, true]);
  const [message] = chat.getSnapshot().messages;
  assert.equal(message.status, "failed");
  assert.equal(message.problem.code, "responder_failed");
  await assert.rejects(chat.retry(message.id), { code: "responder_failed" });
  const turns = server.requests.filter(({ body }) => body?.message_id === message.id);
  assert.equal(turns.length, 2);
  await assert.rejects(chat.retry("nothing"), { code: "message_not_found" });
  await assert.rejects(chat.send("  "), { code: "message_empty" });
  await assert.rejects(chat.open("no id"), { code: "invalid_session_id" });
  chat.dispose();
});

test("sessions are listed, opened and deleted", async () => {
  const { chat } = client();
  const { sessionId } = await chat.send("First");
  chat.newChat();
  await chat.send("Second");
  const listed = await chat.sessions();
  assert.equal(listed, chat.getSnapshot().sessions);
  assert.equal(chat.getSnapshot().sessionCount, listed.length);
  await chat.open(sessionId);
  assert.equal(chat.getSnapshot().session.title, "First");
  assert.equal((await chat.history()).length, 2);
  await chat.delete(sessionId);
  assert.equal(chat.getSnapshot().sessionId, null);
  assert.ok(!chat.getSnapshot().sessions.some(({ id }) => id === sessionId));
  await assert.rejects(chat.open(sessionId), { code: "session_not_found", status: 404 });
  assert.equal(chat.getSnapshot().problem.code, "session_not_found");
  chat.dispose();
});

test("snapshots are frozen, and what hasn't changed keeps its identity", async () => {
  const { chat } = client();
  await chat.send("One");
  const before = chat.getSnapshot();
  assert.ok(Object.isFrozen(before) && Object.isFrozen(before.messages) && Object.isFrozen(before.messages[0]));
  let calls = 0;
  const stop = chat.subscribe(() => calls++);
  await chat.history();
  const again = chat.getSnapshot();
  assert.equal(again.sessions, before.sessions);
  await chat.send("Two");
  const after = chat.getSnapshot();
  assert.notEqual(after, again);
  assert.equal(after.messages[0], again.messages[0]);
  const heard = calls;
  stop();
  await chat.send("Three");
  assert.equal(calls, heard);
  chat.dispose();
});

test("a broken listener harms neither the others nor the client", async () => {
  const code = `
    import { createChatkeep } from "chatkeep";
    process.on("uncaughtException", ({ message }) => console.log("thrown:", message));
    const chat = createChatkeep({ url: "${server.url}" });
    let heard = 0;
    const stop = chat.subscribe(() => {
      stop();
      throw new Error("mine");
    });
    chat.subscribe(() => heard++);
    console.log((await chat.send("Hello")).response, heard > 1);
  `;
  const output = await run(code);
  assert.match(output, /thrown: mine/);
  assert.match(output, /You said: Hello true/);
});

test("storage that is full or forbidden does not break a send", async () => {
  const fail = () => {
    throw new DOMException("no", "QuotaExceededError");
  };
  const { chat } = client({ storage: { getItem: fail, setItem: fail, removeItem: fail } });
  assert.equal((await chat.send("Hello")).response, "You said: Hello");
  chat.newChat();
  chat.dispose();
  const garbage = client({ storage: { ...memory(), getItem: () => "{]" } });
  assert.equal((await garbage.chat.send("Hello")).created, true);
  garbage.chat.dispose();
});

test("credentials are asked for before every request", async () => {
  let asked = 0;
  const { chat } = client({ auth: async () => ({ apiKey: `key-${++asked}` }) });
  await chat.send("One");
  await chat.send("Two");
  assert.equal(server.requests.at(-1).headers["x-api-key"], "key-2");
  chat.dispose();
  const broken = client({
    auth: () => {
      throw new Error("no key");
    },
  });
  await assert.rejects(broken.chat.send("One"), { code: "unauthorized", status: 401 });
  broken.chat.dispose();
  const unsendable = client({ auth: "a\nb" });
  await assert.rejects(unsendable.chat.send("One"), { code: "unauthorized" });
  unsendable.chat.dispose();
});

test("a server that can't be reached is a problem of the network", async () => {
  const { chat } = client({ url: "http://127.0.0.1:9" });
  await assert.rejects(chat.send("Hello"), { code: "network", status: 0, retryable: true });
  assert.equal(chat.getSnapshot().problem.code, "network");
  chat.dispose();
});

test("a disposed client is quiet and says so", async () => {
  const { chat } = client();
  const waiting = chat.send("Hello");
  chat.dispose();
  await assert.rejects(waiting, { code: "disposed" });
  await assert.rejects(chat.sessions(), { code: "disposed" });
  chat.newChat();
  chat.dispose();
});

test("a failure that nobody catches ends no process", async () => {
  const code = `
    import { createChatkeep } from "chatkeep";
    const chat = createChatkeep({ url: "http://127.0.0.1:9" });
    chat.send("Hello");
    const stop = chat.subscribe(() => {
      if (chat.getSnapshot().messages[0]?.status === "failed") console.log("failed, and still here");
    });
  `;
  assert.match(await run(code), /failed, and still here/);
});

test("the module can be given: as a file, as bytes, compiled; and one that is none can be tried again", async () => {
  const sources = {
    url: 'new URL(import.meta.resolve("chatkeep/chatkeep.wasm"))',
    bytes: 'await readFile(new URL(import.meta.resolve("chatkeep/chatkeep.wasm")))',
    module: 'await WebAssembly.compile(await readFile(new URL(import.meta.resolve("chatkeep/chatkeep.wasm"))))',
  };
  const ask = (wasm) => `
    import { readFile } from "node:fs/promises";
    import { createChatkeep } from "chatkeep";
    const chat = createChatkeep({ url: "${server.url}", wasm: ${wasm} });
    console.log(await chat.send("Hello").then(({ response }) => response, ({ code }) => code));
  `;
  for (const wasm of Object.values(sources)) assert.match(await run(ask(wasm)), /You said: Hello/);
  const broken = `${ask("new Uint8Array(8)")}
    console.log(chat.getSnapshot().problem.code);
    console.log((await createChatkeep({ url: "${server.url}" }).send("Again")).response);`;
  assert.match(await run(broken), /load_failed\nload_failed\nYou said: Again/);
});

test("React renders it on a server, without a window and without loading anything", async () => {
  const code = `
    import { createElement } from "react";
    import { renderToString } from "react-dom/server";
    import { createChatkeep } from "chatkeep";
    import { useChatkeep } from "chatkeep/react";
    const chat = createChatkeep();
    const App = () => {
      const { ready, messages, send, sessions, listSessions } = useChatkeep(chat);
      return JSON.stringify([ready, messages.length, typeof send, sessions.length, typeof listSessions]);
    };
    WebAssembly.instantiate = () => { throw new Error("loaded"); };
    console.log(renderToString(createElement(App)).replaceAll("&quot;", '"'));
  `;
  assert.match(await run(code), /\[false,0,"function",0,"function"\]/);
});

test("nothing that is packed names this machine's folders", () => {
  const installed = join(folder, "node_modules/chatkeep");
  const files = readdirSync(installed, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const names = /[\w/.-]*(?:\/(?:home|root|Users)\/|registry\/src)[\w/.-]*/g;
  const found = files.flatMap((file) => readFileSync(join(file.parentPath, file.name), "latin1").match(names) ?? []);
  assert.deepEqual(found, []);
});

/** Runs a module in a Node of its own, inside the project. */
async function run(code) {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", code], { cwd: folder });
  return stdout;
}

test("the AI SDK's transport gives a reply as the AI SDK's chunks", async () => {
  const { chat } = client();
  writeFileSync(join(folder, "transport.js"), 'export * from "chatkeep/ai-sdk";');
  const { chatTransport } = await import(pathToFileURL(join(folder, "transport.js")));
  const messages = [{ role: "user", parts: [{ type: "text", text: "Hello" }] }];
  const read = async (trigger) =>
    Array.fromAsync(await chatTransport(chat).sendMessages({ trigger, messages, abortSignal: undefined }));
  for (const trigger of ["submit-message", "regenerate-message"]) {
    assert.deepEqual(await read(trigger), [
      { type: "start" },
      { type: "text-start", id: "text" },
      { type: "text-delta", id: "text", delta: "You said: Hello" },
      { type: "text-end", id: "text" },
      { type: "finish" },
    ]);
  }
  assert.equal(chat.getSnapshot().messages.length, 2);
  await assert.rejects(
    async () => {
      const stream = await chatTransport(chat).sendMessages({
        trigger: "submit-message",
        messages: [{ role: "user", parts: [{ type: "text", text: "fail" }] }],
      });
      for await (const _ of stream);
    },
    { code: "responder_failed" },
  );
  chat.dispose();
});
