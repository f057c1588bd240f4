// The SDK alone in a real browser: a page without an app, on the Worker's own origin, whose client tests call directly.
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { ROOT } from "../harness/folders.mjs";
import { site } from "./site.mjs";

const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm" };
const PAGE = `<!doctype html><meta charset="utf-8"><title>SDK</title><script type="module">
  import { createChatkeep } from "./dist/index.js";
  window.chat = createChatkeep(JSON.parse(sessionStorage.getItem("options") ?? "{}"));
  chat.subscribe(() => {});
</script>`;

/** A browser and a Worker for the tests of a file: each gets a browser's context of its own, and the Worker's address. */
export function sdkTests(vars) {
  const here = site({ vars });
  return async (use) => {
    const context = await sdkContext(here.browser, here.worker.url);
    try {
      await use(context, here.worker.url);
    } finally {
      await context.close();
    }
  };
}

/** A browser context in which pages of the SDK can be opened, also without a network. */
async function sdkContext(browser, url) {
  const context = await browser.newContext();
  context.setDefaultTimeout(20_000);
  await context.route("**/sdk/**", async (route) => {
    const path = new URL(route.request().url()).pathname.slice("/sdk/".length);
    if (path === "") return route.fulfill({ contentType: "text/html", body: PAGE });
    const body = await readFile(join(ROOT, "www/chatkeep", path));
    await route.fulfill({ contentType: TYPES[extname(path)] ?? "text/plain", body });
  });
  return Object.assign(context, { open: () => open(context, url) });
}

/** A tab: its page, the requests that it made of the API, and the ids of the messages that it sent. */
async function open(context, url) {
  const page = await context.newPage();
  const requests = [];
  const sent = new Set();
  page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (!pathname.startsWith("/v1/")) return;
    requests.push(`${request.method()} ${pathname}`);
    if (pathname === "/v1/chat") sent.add(request.postDataJSON().message_id);
  });
  await page.goto(`${url}/sdk/`);
  const tab = { page, requests, sent };
  tab.call = (method, ...given) => page.evaluate(([name, args]) => globalThis.chat[name](...args), [method, given]);
  /** Begins a call and doesn't wait for what comes of it. */
  tab.begin = (method, ...given) =>
    page.evaluate(([name, args]) => void globalThis.chat[name](...args), [method, given]);
  tab.snapshot = () => page.evaluate(() => globalThis.chat.getSnapshot());
  /** The messages: the first line of each, and how it stands. */
  tab.lines = async () =>
    (await tab.snapshot()).messages.map(({ content, status }) => `${content.split("\n")[0]} (${status})`);
  await page.waitForFunction(() => globalThis.chat?.getSnapshot().ready);
  return tab;
}
