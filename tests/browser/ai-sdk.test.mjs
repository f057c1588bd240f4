// `useChat` of the AI SDK's majors 6 and 7 in real Chromium: send, reload in mid-stream, stop, regenerate.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { ROOT } from "../harness/folders.mjs";
import { FakeModelApi, Gate, words } from "../harness/model-api.mjs";
import { startWorker } from "../harness/worker.mjs";
import { launch } from "./app.mjs";

const PAGE = join(import.meta.dirname, "fixtures/use-chat.jsx");
const folder = (name) => dirname(dirname(fileURLToPath(import.meta.resolve(name))));

/** The page's script, with one major of the AI SDK. */
async function bundle({ ai, react }) {
  const built = await build({
    entryPoints: [PAGE],
    bundle: true,
    write: false,
    format: "esm",
    jsx: "automatic",
    absWorkingDir: ROOT,
    alias: { ai: folder(ai), "@ai-sdk/react": folder(react) },
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "error",
  });
  return built.outputFiles[0].text;
}

for (const [major, packages] of Object.entries({
  6: { ai: "ai6", react: "ai-sdk-react3" },
  7: { ai: "ai7", react: "ai-sdk-react4" },
})) {
  describe(`useChat of ai ${major}`, () => {
    let browser;
    let model;
    let worker;
    let script;
    before(async () => {
      script = await bundle(packages);
      model = await FakeModelApi.start();
      worker = await startWorker({ store: "vault", vars: { RESPONDER: "openai", OPENAI_BASE_URL: model.url } });
      browser = await launch();
    });
    after(async () => {
      await browser?.close();
      await worker?.stop();
      await model?.stop();
    });

    /** Opens the page of a chat, served beside the Worker. */
    async function open(id) {
      const page = await browser.newPage();
      page.setDefaultTimeout(15_000);
      await page.route("**/use-chat?**", (route) =>
        route.fulfill({
          contentType: "text/html",
          body: '<!doctype html><script type="module" src="/use-chat.js"></script>',
        }),
      );
      await page.route("**/use-chat.js", (route) => route.fulfill({ contentType: "text/javascript", body: script }));
      await page.goto(`${worker.url}/use-chat?id=${id}`);
      const chat = {
        page,
        shows: (...lines) =>
          page.waitForFunction(
            (wanted) =>
              [...document.querySelectorAll("li")].map(({ textContent }) => textContent).join("\n") === wanted,
            lines.join("\n"),
          ),
        is: (status) => page.locator("output", { hasText: new RegExp(`^${status}$`) }).waitFor(),
        say: async (text) => {
          await page.getByLabel("Message").fill(text);
          await page.getByLabel("Message").press("Enter");
        },
        press: (name) => page.getByRole("button", { name }).click(),
      };
      await page.getByLabel("Message").waitFor();
      return chat;
    }

    test("sends, regenerates and shows the history after a reload", async () => {
      model.answer(({ body }) => `On ${body.messages.at(-1).content}`);
      const chat = await open(`c-${randomUUID()}`);
      await chat.say("one");
      await chat.shows("user: one", "assistant: On one");
      await chat.is("ready");
      model.say("Another");
      await chat.press("Regenerate");
      await chat.shows("user: one", "assistant: Another");
      await chat.is("ready");
      await chat.page.reload();
      await chat.shows("user: one", "assistant: Another");
      await chat.page.close();
    });

    test("reloaded in mid-stream it shows the rest, and so does a second tab", async () => {
      const id = `c-${randomUUID()}`;
      const gate = new Gate();
      model.answer(() => ({ stream: words("First ", gate, "last") }));
      const chat = await open(id);
      await chat.say("Tell me");
      await chat.shows("user: Tell me", "assistant: First ");
      await chat.page.reload();
      await chat.shows("user: Tell me", "assistant: First ");
      const other = await open(id);
      await other.shows("user: Tell me", "assistant: First ");
      gate.open();
      for (const tab of [chat, other]) {
        await tab.shows("user: Tell me", "assistant: First last");
        await tab.is("ready");
        assert.equal(await tab.page.getByRole("alert").textContent(), "");
        await tab.page.close();
      }
    });

    test("stop keeps the part that came", async () => {
      model.answer(() => ({ stream: words("Part ", new Gate()) }));
      const chat = await open(`c-${randomUUID()}`);
      await chat.say("Tell me");
      await chat.shows("user: Tell me", "assistant: Part ");
      await chat.press("Stop");
      await chat.is("ready");
      await chat.page.reload();
      await chat.shows("user: Tell me", "assistant: Part ");
      await chat.page.close();
    });
  });
}
