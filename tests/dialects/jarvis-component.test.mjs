// The React component of the jarvis document, as it is written there, in Chromium on a real Worker.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { launch } from "../browser/app.mjs";
import { Api, ok } from "../harness/api.mjs";
import { ROOT } from "../harness/folders.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

/** What the document leaves out: a place to type and a place to read. */
const REST = `
  <form onSubmit={(event) => {
    event.preventDefault();
    sendMessage(new FormData(event.currentTarget).get("message"));
    event.currentTarget.reset();
  }}>
    <input name="message" aria-label="Message" />
  </form>
  <ol>{messages.map((message, at) => <li key={at}>{message.role}: {message.content}</li>)}</ol>
`;

/** The page with the component. */
async function page(source) {
  const contents = `${source.replace("{/* ... zbytek UI ... */}", REST)}
    import { createRoot } from "react-dom/client";
    createRoot(document.body.appendChild(document.createElement("div"))).render(<ChatComponent />);`;
  assert.ok(contents.includes("<form"), "the document's component has its place for the rest");
  const built = await build({
    stdin: { contents, loader: "tsx", resolveDir: ROOT },
    bundle: true,
    write: false,
    format: "iife",
    jsx: "automatic",
    define: { API_KEY: "globalThis.API_KEY", "process.env.NODE_ENV": '"production"' },
  });
  return `<!doctype html><meta charset="utf-8"><title>A12</title><body><script>${built.outputFiles[0].text}</script>`;
}

const component = readFileSync(join(import.meta.dirname, "fixtures/chat-component.tsx.txt"), "utf8");

forEachStore("jarvis component", (store) => {
  let worker;
  /** One that is not open to whoever asks. */
  let closed;
  let browser;
  before(async () => {
    worker = await startWorker({ store, vars: { DIALECT_ROOT: "jarvis" } });
    const VISITOR_SECRET = randomBytes(32).toString("hex");
    closed = await startWorker({
      store,
      vars: { DIALECT_ROOT: "jarvis", VISITOR_SECRET, API_KEYS: "a-server-s-own-key" },
    });
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await closed?.stop();
    await worker?.stop();
  });

  /** Opens a page with a component at the Worker's own origin. */
  async function open(source, at = worker) {
    const opened = await browser.newPage();
    opened.setDefaultTimeout(15_000);
    const body = await page(source);
    await opened.route(`${at.url}/component`, (route) => route.fulfill({ contentType: "text/html", body }));
    await opened.goto(`${at.url}/component`);
    const says = async (text) => {
      const lines = opened.getByRole("listitem");
      const count = await lines.count();
      await opened.getByRole("textbox", { name: "Message" }).fill(text);
      await opened.getByRole("textbox", { name: "Message" }).press("Enter");
      await lines.nth(count + 1).waitFor();
      return lines.nth(count + 1).textContent();
    };
    return { opened, says };
  }

  test("A12 front end: secured, it shows a visitor's token in place of an API key", async () => {
    const secured = component.replace("'X-API-Key': API_KEY", "Authorization: 'Bearer ' + API_KEY");
    assert.notEqual(secured, component);
    const { opened, says } = await open(secured, closed);
    const { token } = ok(await new Api(closed.url).send("POST", "/v1/visitors"));
    await opened.evaluate((value) => {
      globalThis.API_KEY = value;
    }, token);
    assert.match(await says("Ahoj"), /^assistant: You said: Ahoj/);
    assert.match(await says("A dál?"), /“Ahoj”/);
    await opened.close();
    const sessions = (headers) => new Api(closed.url, headers).get("/api/sessions");
    assert.equal(ok(await sessions({ authorization: `Bearer ${token}` })).count, 1);
    assert.equal((await sessions({})).status, 401);
    const other = ok(await new Api(closed.url).send("POST", "/v1/visitors"));
    assert.equal(ok(await sessions({ authorization: `Bearer ${other.token}` })).count, 0);
  });

  test("A12 front end: the component chats, remembers and starts anew, unchanged", async () => {
    const { opened, says } = await open(component);
    assert.match(await says("Příliš žluťoučký kůň"), /^assistant: You said: Příliš žluťoučký kůň/);
    assert.match(await says("A dál?"), /“Příliš žluťoučký kůň”/);
    await opened.getByRole("button", { name: "New Chat" }).click();
    await opened.getByRole("listitem").first().waitFor({ state: "detached" });
    assert.match(await says("Znovu"), /first thing/);
    await opened.close();
    const { sessions } = ok(await new Api(worker.url).get("/api/sessions"));
    assert.equal(sessions.length, 2);
  });
});
