// `chatkeep/assistant-ui`: assistant-ui's own runtime on a client, in a real browser, and its types.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build as esbuild } from "esbuild";
import { launch } from "../browser/app.mjs";
import { startFakeServer } from "./fake-server.mjs";
import { project } from "./packed.mjs";
import { typedProject, typeErrors } from "./typescript.mjs";

const MAIN = `
  import { createElement as h } from "react";
  import { createRoot } from "react-dom/client";
  import { AssistantRuntimeProvider, ComposerPrimitive, MessagePrimitive, ThreadListItemPrimitive, ThreadListPrimitive,
    ThreadPrimitive, useExternalStoreRuntime } from "@assistant-ui/react";
  import { createChatkeep } from "chatkeep";
  import { useAssistantStore } from "chatkeep/assistant-ui";
  import wasm from "chatkeep/chatkeep.wasm";

  const client = createChatkeep({ wasm });
  const Message = () => h(MessagePrimitive.Root, { className: "message" }, h(MessagePrimitive.Content));
  const Item = () => h(ThreadListItemPrimitive.Root, { className: "item" },
    h(ThreadListItemPrimitive.Trigger, null, h(ThreadListItemPrimitive.Title)),
    h(ThreadListItemPrimitive.Delete, null, "Delete"));
  function App() {
    const runtime = useExternalStoreRuntime(useAssistantStore(client));
    window.runtime = runtime;
    return h(AssistantRuntimeProvider, { runtime },
      h(ThreadListPrimitive.Root, null, h(ThreadListPrimitive.New, null, "New"),
        h(ThreadListPrimitive.Items, { components: { ThreadListItem: Item } })),
      h(ThreadPrimitive.Root, null, h(ThreadPrimitive.Messages, { components: { Message } }),
        h(ComposerPrimitive.Root, null, h(ComposerPrimitive.Input, { "aria-label": "Message" }),
          h(ComposerPrimitive.Send, null, "Send"))));
  }
  createRoot(document.getElementById("root")).render(h(App));
`;

const TYPED = `
import { useExternalStoreRuntime } from "@assistant-ui/react";
import { createChatkeep } from "chatkeep";
import { useAssistantStore } from "chatkeep/assistant-ui";

const client = createChatkeep();
export const useRuntime = () => useExternalStoreRuntime(useAssistantStore(client));
`;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

test("its threads are sessions, its messages the history, and its composer sends", async () => {
  const linked = ["react", "react-dom", "scheduler", "@assistant-ui/react"];
  const folder = project("assistant-ui", { "main.js": MAIN }, linked);
  await esbuild({
    absWorkingDir: folder,
    entryPoints: ["main.js"],
    outdir: "out",
    bundle: true,
    format: "esm",
    loader: { ".wasm": "file" },
    assetNames: "[name]",
    define: { "process.env.NODE_ENV": '"development"' },
    publicPath: "/",
    logLevel: "error",
  });
  const built = (type, name) => ({ type, body: readFileSync(join(folder, "out", name)) });
  const body =
    '<!doctype html><meta charset="utf-8"><div id="root"></div><script type="module" src="/main.js"></script>';
  const server = await startFakeServer(
    new Map([
      ["/", { type: "text/html", body }],
      ["/main.js", built("text/javascript", "main.js")],
      ["/chatkeep_sdk_bg.wasm", built("application/wasm", "chatkeep_sdk_bg.wasm")],
    ]),
  );
  const context = await browser.newContext();
  context.setDefaultTimeout(20_000);
  try {
    const page = await context.newPage();
    const errors = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(server.url);
    const send = async (text) => {
      await page.getByLabel("Message").fill(text);
      await page.getByRole("button", { name: "Send" }).click();
    };
    server.hold();
    await send("One");
    await page.locator(".message", { hasText: "You said" }).waitFor();
    assert.equal(await page.evaluate(() => globalThis.runtime.thread.getState().isRunning), true);
    server.piece(": One");
    server.release();
    await page.locator(".message", { hasText: "You said: One" }).waitFor();
    await page.waitForFunction(() => !globalThis.runtime.thread.getState().isRunning);

    await page.getByRole("button", { name: "New" }).click();
    await page.locator(".message").first().waitFor({ state: "detached" });
    await send("Two");
    await page.locator(".message", { hasText: "You said: Two" }).waitFor();
    assert.equal(await page.locator(".item").count(), 2);

    await page.locator(".item button", { hasText: "One" }).click();
    await page.locator(".message", { hasText: "You said: One" }).waitFor();
    assert.equal(await page.locator(".message").count(), 2);

    // Said differently, and answered anew, through assistant-ui's own actions.
    await page.evaluate(() => {
      const composer = globalThis.runtime.thread.getMessageByIndex(0).composer;
      composer.beginEdit();
      composer.setText("Once");
      composer.send();
    });
    await page.locator(".message", { hasText: "You said: Once" }).waitFor();
    await page.evaluate(() => globalThis.runtime.thread.getMessageByIndex(1).reload());
    await page.waitForFunction(() => {
      const { messages, isRunning } = globalThis.runtime.thread.getState();
      return !isRunning && messages.length === 2;
    });
    const turns = server.requests.filter(({ path }) => path === "/v1/chat").map(({ body }) => body.message);
    assert.deepEqual(turns, ["One", "Two", "Once", "Once"]);

    await page.locator(".item", { hasText: "Two" }).getByText("Delete").click();
    await page.locator(".item", { hasText: "Two" }).waitFor({ state: "detached" });
    assert.equal(server.sessions.size, 1);
    assert.deepEqual(errors, []);
  } finally {
    await context.close();
    await server.close();
  }
});

test("the store is one that assistant-ui's types take", () => {
  const folder = typedProject("assistant-ui-types", { "consumer.ts": TYPED }, ["@assistant-ui/react"]);
  assert.equal(typeErrors(folder, "bundler", { skipLibCheck: true }), "");
  const broken = typedProject(
    "assistant-ui-broken",
    { "consumer.ts": TYPED.replace("useAssistantStore(client)", "{ ...useAssistantStore(client), onNew: 1 }") },
    ["@assistant-ui/react"],
  );
  assert.match(typeErrors(broken, "bundler", { skipLibCheck: true }), /error TS/);
});
