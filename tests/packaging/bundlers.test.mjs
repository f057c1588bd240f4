// The packed package in a real browser: built by Vite, webpack or esbuild, and as plain modules without them. Each
// time the SDK loads its wasm, sends, and finds its session again after a reload.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { after, before, test } from "node:test";
import { build as esbuild } from "esbuild";
import { build as vite } from "vite";
import webpack from "webpack";
import { launch } from "../browser/app.mjs";
import { startFakeServer } from "./fake-server.mjs";
import { project } from "./packed.mjs";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm", ".css": "text/css" };

const CHAT = `
  import { createElement, StrictMode } from "react";
  import { createRoot } from "react-dom/client";
  import { createChatkeep } from "chatkeep";
  import { useChatkeep } from "chatkeep/react";

  function Chat({ client }) {
    const { ready, messages, send } = useChatkeep(client);
    return createElement("main", { "data-ready": ready },
      createElement("button", { onClick: () => send("Hello") }, "Send"),
      messages.map(({ id, content }) => createElement("p", { key: id }, content)));
  }
  export function start(options) {
    const client = createChatkeep(options);
    createRoot(document.getElementById("root")).render(
      createElement(StrictMode, null, createElement(Chat, { client })));
  }
`;
const PAGE = (head) => `<!doctype html><meta charset="utf-8"><title>t</title>${head}<div id="root"></div>`;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

test("Vite finds the wasm by itself", async () => {
  const folder = project(
    "vite",
    {
      "index.html": PAGE('<script type="module" src="/main.js"></script>'),
      "chat.js": CHAT,
      "main.js": 'import { start } from "./chat.js"; start();',
    },
    ["react", "react-dom", "scheduler"],
  );
  await vite({ root: folder, configFile: false, logLevel: "error", build: { outDir: "out" } });
  await chats(files(join(folder, "out")));
});

test("webpack finds the wasm by itself", async () => {
  const folder = project("webpack", { "chat.js": CHAT, "main.js": 'import { start } from "./chat.js"; start();' }, [
    "react",
    "react-dom",
    "scheduler",
  ]);
  const stats = await new Promise((resolve, reject) => {
    const config = {
      context: folder,
      mode: "production",
      entry: "./main.js",
      output: { path: join(folder, "out"), filename: "main.js", publicPath: "/" },
    };
    webpack(config, (error, stats) => (error ? reject(error) : resolve(stats)));
  });
  assert.deepEqual(stats.toJson({ all: false, errors: true }).errors, []);
  const page = Buffer.from(PAGE('<script type="module" src="/main.js"></script>'));
  await chats(files(join(folder, "out")).set("/", { type: "text/html", body: page }));
});

test("esbuild takes the wasm as a file", async () => {
  const folder = project(
    "esbuild",
    {
      "chat.js": CHAT,
      "main.js": 'import wasm from "chatkeep/chatkeep.wasm"; import { start } from "./chat.js"; start({ wasm });',
    },
    ["react", "react-dom", "scheduler"],
  );
  await esbuild({
    absWorkingDir: folder,
    entryPoints: ["main.js"],
    outdir: "out",
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    loader: { ".wasm": "file" },
    publicPath: "/",
    logLevel: "error",
  });
  const page = Buffer.from(PAGE('<script type="module" src="/main.js"></script>'));
  await chats(files(join(folder, "out")).set("/", { type: "text/html", body: page }));
});

test("plain modules need no bundler", async () => {
  const map = JSON.stringify({ imports: { chatkeep: "/node_modules/chatkeep/dist/index.js" } });
  const script = `
    import { createChatkeep } from "chatkeep";
    const client = createChatkeep();
    const root = document.getElementById("root");
    client.subscribe(() => {
      const { ready, messages } = client.getSnapshot();
      const line = ({ content }) => Object.assign(document.createElement("p"), { textContent: content });
      const button = Object.assign(document.createElement("button"), { textContent: "Send" });
      button.onclick = () => client.send("Hello");
      const main = document.createElement("main");
      main.dataset.ready = ready;
      main.append(button, ...messages.map(line));
      root.replaceChildren(main);
    });`;
  const folder = project("plain", {
    "index.html": PAGE(`<script type="importmap">${map}</script>`).concat(`<script type="module">${script}</script>`),
  });
  await chats(files(folder));
});

/** Serves the files beside the API, chats, reloads and looks whether the chat is still there. */
async function chats(served) {
  const index = served.get("/index.html");
  if (index) served.set("/", index);
  const server = await startFakeServer(served);
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    const errors = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(server.url);
    await page.locator('[data-ready="true"]').waitFor();
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("You said: Hello").waitFor();
    await page.reload();
    await page.getByText("You said: Hello").waitFor();
    assert.deepEqual(await page.locator("p").allTextContents(), ["Hello", "You said: Hello"]);
    assert.equal(server.requests.filter(({ method }) => method === "POST").length, 1);
    assert.deepEqual(errors, []);
  } finally {
    await context.close();
    await server.close();
  }
}

/** What is in a folder, by its path in the browser. */
function files(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const served = new Map();
  for (const entry of entries) {
    const file = join(entry.parentPath, entry.name);
    const type = TYPES[extname(entry.name)];
    if (type) served.set(`/${relative(folder, file)}`, { type, body: readFileSync(file) });
  }
  return served;
}
