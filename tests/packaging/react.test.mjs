// `chatkeep/react` in a real browser, in StrictMode, with each React that it says it works with.
import assert from "node:assert/strict";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build as esbuild } from "esbuild";
import { launch } from "../browser/app.mjs";
import { ROOT } from "../harness/folders.mjs";
import { startFakeServer } from "./fake-server.mjs";
import { project } from "./packed.mjs";

const MAIN = `
  import { createElement as h, StrictMode, version } from "react";
  import { createRoot } from "react-dom/client";
  import { createChatkeep } from "chatkeep";
  import wasm from "chatkeep/chatkeep.wasm";
  import { ChatkeepProvider, useChat, useSessions } from "chatkeep/react";

  window.renders = { chat: 0, list: 0 };
  window.statuses = [];
  function Chat() {
    window.renders.chat++;
    const { messages, status, send, stop, edit, regenerate, newChat } = useChat();
    if (window.statuses.at(-1) !== status) window.statuses.push(status);
    return h("main", { "data-status": status },
      h("button", { onClick: newChat }, "New"),
      h("button", { onClick: () => send("Tell me") }, "Send"),
      h("button", { onClick: () => edit(messages[0].id, "Tell us") }, "Edit"),
      h("button", { onClick: () => regenerate() }, "Again"),
      h("button", { onClick: stop }, "Stop"),
      messages.map(({ id, content, status }) => h("p", { key: id, "data-status": status }, content)));
  }
  function List() {
    window.renders.list++;
    const { sessions } = useSessions();
    return h("ul", null, sessions.map(({ id, title }) => h("li", { key: id }, title)));
  }
  const client = createChatkeep({ wasm });
  document.title = version;
  createRoot(document.getElementById("root")).render(
    h(StrictMode, null, h(ChatkeepProvider, { client }, h(Chat), h(List))));
`;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

for (const [version, modules] of [
  ["19", "node_modules"],
  ["18", "tests/packaging/react-18/node_modules"],
]) {
  test(`React ${version}: a reply that streams renders the chat, and the list not at all`, async () => {
    const folder = project(`react-${version}`, { "main.js": MAIN });
    for (const name of ["react", "react-dom", "scheduler"]) {
      symlinkSync(join(ROOT, modules, name), join(folder, "node_modules", name));
    }
    await esbuild({
      absWorkingDir: folder,
      entryPoints: ["main.js"],
      outdir: "out",
      bundle: true,
      format: "esm",
      preserveSymlinks: true,
      loader: { ".wasm": "file" },
      assetNames: "[name]",
      define: { "process.env.NODE_ENV": '"development"' },
      publicPath: "/",
      logLevel: "error",
    });
    const page =
      '<!doctype html><meta charset="utf-8"><div id="root"></div><script type="module" src="/main.js"></script>';
    const server = await startFakeServer(
      new Map([
        ["/", { type: "text/html", body: page }],
        ["/main.js", { type: "text/javascript", body: readFileSync(join(folder, "out/main.js")) }],
        [
          "/chatkeep_sdk_bg.wasm",
          { type: "application/wasm", body: readFileSync(join(folder, "out/chatkeep_sdk_bg.wasm")) },
        ],
      ]),
    );
    const context = await browser.newContext();
    context.setDefaultTimeout(20_000);
    try {
      const page = await context.newPage();
      const errors = [];
      page.on("pageerror", (error) => errors.push(String(error)));
      page.on(
        "console",
        (line) => line.type() === "error" && !line.text().startsWith("Failed to load") && errors.push(line.text()),
      );
      await page.goto(server.url);
      assert.match(await page.title(), new RegExp(`^${version}\\.`));
      await page.locator('[data-status="ready"]').waitFor();
      server.hold();
      await page.getByRole("button", { name: "Send" }).click();
      await page.locator('p[data-status="streaming"]', { hasText: "You said" }).waitFor();
      // Listed as soon as it is begun; from here on nothing of the list changes until the reply is there.
      await page.getByRole("listitem").waitFor();
      const before = await page.evaluate(() => ({ ...globalThis.renders }));
      for (const piece of [": ", "Tell", " me"]) {
        server.piece(piece);
        await page.locator("p", { hasText: piece.trim() }).last().waitFor();
      }
      await page.locator("p", { hasText: "You said: Tell me" }).waitFor();
      const streamed = await page.evaluate(() => ({ ...globalThis.renders }));
      assert.ok(streamed.chat > before.chat);
      assert.equal(streamed.list, before.list, "the list has rendered while the reply came");
      server.release();
      await page.locator('main[data-status="ready"]').waitFor();
      assert.deepEqual(await page.evaluate(() => globalThis.statuses.slice(-4)), [
        "ready",
        "submitted",
        "streaming",
        "ready",
      ]);
      await page.getByRole("button", { name: "Edit" }).click();
      await page.getByText("You said: Tell us").waitFor();
      await page.getByRole("button", { name: "Again" }).click();
      await page.locator('main[data-status="ready"]').waitFor();
      await page.getByText("You said: Tell us").waitFor();
      assert.equal(await page.locator("p").count(), 2);
      await page.getByRole("button", { name: "New" }).click();
      await page.locator("p").first().waitFor({ state: "detached" });
      assert.deepEqual(errors, []);
    } finally {
      await context.close();
      await server.close();
    }
  });
}
