// The packed package in Node: no bundler, no browser, and every promise that its types make.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
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

const text = (id, content) => ({ id, role: "user", parts: [{ type: "text", text: content }] });

test("the AI SDK's transport sends, edits and regenerates under the AI SDK's ids", async () => {
  const { chat } = client();
  writeFileSync(join(folder, "transport.js"), 'export * from "chatkeep/ai-sdk";');
  const { chatTransport, toUIMessages } = await import(pathToFileURL(join(folder, "transport.js")));
  const transport = chatTransport(chat);
  const read = async (request) =>
    Array.fromAsync(await transport.sendMessages({ trigger: "submit-message", ...request }));
  const reply = (messageId, delta) => [
    { type: "start", messageId },
    { type: "text-start", id: "text" },
    { type: "text-delta", id: "text", delta },
    { type: "text-end", id: "text" },
    { type: "finish", finishReason: "stop" },
  ];
  const metadata = { lang: "cs" };
  const first = await read({ messages: [{ ...text("m1", "Hello"), metadata }] });
  assert.deepEqual(first, reply("r-m1", "You said: Hello"));
  assert.deepEqual(chat.getSnapshot().messages[0].id, "m1");
  assert.deepEqual(server.requests.at(-1).body.metadata, metadata);

  // An edit, and another of the same message, whose id the page keeps.
  for (const edited of ["Better", "Best"]) {
    const chunks = await read({ messageId: "m1", messages: [text("m1", edited)] });
    const { messages } = chat.getSnapshot();
    assert.deepEqual(
      messages.map(({ content }) => content),
      [edited, `You said: ${edited}`],
    );
    assert.deepEqual(chunks, reply(messages[1].id, `You said: ${edited}`));
  }
  const old = chat.getSnapshot().messages[1].id;
  const page = [text("m1", "Best"), { id: old, role: "assistant", parts: [{ type: "text", text: "You said: Best" }] }];
  const again = await read({ trigger: "regenerate-message", messageId: old, messages: page.slice(0, 1) });
  const { messages } = chat.getSnapshot();
  assert.equal(messages.length, 2);
  assert.deepEqual(again, reply(messages[1].id, "You said: Best"));
  assert.deepEqual(toUIMessages(messages)[1], { ...page[1], id: messages[1].id });
  chat.dispose();
});

test("the AI SDK's transport refuses what it can't send, and passes failures on", async () => {
  const { chat } = client();
  const { chatTransport } = await import(pathToFileURL(join(folder, "transport.js")));
  const read = async (messages, abortSignal) =>
    Array.fromAsync(await chatTransport(chat).sendMessages({ trigger: "submit-message", messages, abortSignal }));
  const file = { type: "file", mediaType: "image/png", url: "https://a.example/x.png" };
  const tool = { type: "tool-w", toolCallId: "c", state: "output-available", input: {}, output: 1 };
  await assert.rejects(read([{ id: "m1", role: "user", parts: [file] }]), { code: "unsupported" });
  await assert.rejects(read([text("m1", "Hi"), { id: "r", role: "assistant", parts: [tool] }]), {
    code: "unsupported",
  });
  await assert.rejects(read([text("m1", "Hi")], AbortSignal.abort()), { name: "AbortError" });
  assert.equal(chat.getSnapshot().messages.length, 0);
  await assert.rejects(read([text("m1", "fail")]), { code: "responder_failed" });
  chat.dispose();
});

test("metadata and state are sent as JSON.stringify writes them", async () => {
  const { chat } = client();
  const url = new URL("https://a.example/");
  const metadata = {
    at: new Date(0),
    u: undefined,
    url,
    n: Number.NaN,
    m: new Map(),
    f() {},
    big: { toJSON: () => "1" },
  };
  await chat.send("Hi", { metadata });
  assert.deepEqual(
    server.requests.findLast(({ body }) => body?.message).body.metadata,
    JSON.parse(JSON.stringify(metadata)),
  );
  chat.dispose();
});

test("what JSON can't hold is refused with its path, and the client goes on", async () => {
  const { chat } = client();
  const cycle = { a: {} };
  cycle.a.b = cycle;
  const throws = {
    get a() {
      throw new Error("boom");
    },
  };
  let deep = {};
  for (let level = 0; level < 20_000; level += 1) deep = { deep };
  for (const [metadata, detail] of [
    [{ list: [1, { big: 1n }] }, /^metadata\.list\.1\.big: /],
    [cycle, /^metadata\.a\.b: /],
    [throws, /metadata: boom$/],
    [deep, /^metadata\.deep/],
  ]) {
    await assert.rejects(chat.send("Hi", { metadata }), {
      name: "ChatkeepError",
      code: "invalid_call",
      message: detail,
    });
  }
  await assert.rejects(chat.setState(undefined), { code: "invalid_call", message: /^state: / });
  await assert.rejects(chat.send(undefined), TypeError);
  await assert.rejects(chat.send({}), TypeError);
  assert.equal(await chat.state(), undefined);
  assert.equal((await chat.send("Hi")).response, "You said: Hi");
  chat.dispose();
});

test("the pieces of a stream that is interrupted are the reply, each once", async () => {
  // Two connections that are cut in mid-reply, then an answer that begins anew.
  let requests = 0;
  const flaky = createServer((request, response) => {
    requests += 1;
    if (request.method === "GET") return request.socket.destroy();
    const event = (id, name, data) => response.write(`id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    const turn = { session_id: "s", message_id: "m", reply_id: "r-m" };
    response.writeHead(200, { "content-type": "text/event-stream" });
    event(1, "turn", turn);
    event(2, "delta", { text: "one " });
    event(3, "delta", { text: "two " });
    if (requests === 1) return void response.write("", () => request.socket.destroy());
    event(4, "delta", { text: "three" });
    event(5, "done", { ...turn, response: "one two three" });
    response.end();
  });
  await new Promise((listening) => flaky.listen(0, "127.0.0.1", listening));
  const { chat } = client({ url: `http://127.0.0.1:${flaky.address().port}` });
  const pieces = await Array.fromAsync(chat.stream("count"));
  assert.equal(pieces.join(""), "one two three");
  assert.equal(pieces.join(""), chat.getSnapshot().messages.at(-1).content);
  assert.ok(requests > 2);
  chat.dispose();
  await new Promise((closed) => flaky.close(closed).closeAllConnections());
});

test("a message sent while the module can't be loaded is kept, and sent by the next client that loads it", async () => {
  const storage = memory();
  const code = `
    import { createChatkeep } from "chatkeep";
    const items = new Map(JSON.parse(process.argv[1] ?? "[]"));
    const storage = { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, value), removeItem: (key) => items.delete(key) };
    const chat = createChatkeep({ url: "${server.url}", storage, wasm: new Uint8Array(8) });
    const error = await chat.send("Keep me").catch((error) => error);
    const { messages } = chat.getSnapshot();
    console.log(JSON.stringify({ code: error.code, message: error.message, cause: error.cause !== undefined, messages, items: [...items] }));
  `;
  const { messages, items, ...error } = JSON.parse(await run(code));
  assert.deepEqual([error.code, error.cause], ["load_failed", true]);
  assert.match(error.message, /WebAssembly module could not be loaded/);
  assert.deepEqual([messages[0].content, messages[0].status], ["Keep me", "pending"]);
  for (const [key, value] of items) storage.setItem(key, value);
  const { chat, until } = client({ storage });
  const { messages: shown } = await until(({ messages }) => messages.length === 2);
  assert.deepEqual([shown[0].id, shown[0].content, shown[1].content], [messages[0].id, "Keep me", "You said: Keep me"]);
  assert.deepEqual([...storage.items.keys()], ["chatkeep"]);
  chat.dispose();
});
