// What the assistant writes is Markdown: rendered, and never able to do anything.
import assert from "node:assert/strict";
import { test } from "node:test";
import { site } from "./site.mjs";

const TEXT = `# Tides

They come **twice a day**:

| place | height |
| --- | --- |
| Brest | 6 m |

\`\`\`js
const moon = "pulls"; // always
\`\`\`

- [x] look it up
- see [the table](https://example.com/tides), [not this](javascript:globalThis.harmed=1)

![a map](https://example.com/map.png)

<img src=x onerror="globalThis.harmed=1"><script>globalThis.harmed=1</script>`;

const here = site({ model: true, prepare: ({ model }) => model.say(TEXT) });

const { app } = here;

test("an answer is shown as what its Markdown says", () =>
  app(async (chat) => {
    await chat.say("Tell me of the tides");
    const reply = chat.replies.first();
    await reply.getByRole("heading", { name: "Tides" }).waitFor();
    assert.equal(await reply.locator("strong").textContent(), "twice a day");
    assert.deepEqual(await reply.getByRole("cell").allTextContents(), ["Brest", "6 m"]);
    assert.equal(await reply.locator("pre .hljs-keyword").textContent(), "const");
    assert.ok(await reply.getByRole("checkbox").isChecked());
    const link = reply.getByRole("link", { name: "the table" });
    assert.equal(await link.getAttribute("href"), "https://example.com/tides");
    assert.match((await link.getAttribute("rel")) ?? "", /noopener/);
  }));

test("nothing in it runs, and nothing is fetched", () =>
  app(async (chat, page) => {
    const asked = [];
    page.on("request", (request) => asked.push(new URL(request.url()).origin));
    await chat.say("Do harm");
    const reply = chat.replies.first();
    await reply.getByRole("link", { name: "a map" }).waitFor();
    assert.equal(await reply.locator("img, script").count(), 0);
    assert.equal((await reply.getByText("not this").getAttribute("href")) || null, null);
    assert.equal(await page.evaluate(() => globalThis.harmed), undefined);
    assert.deepEqual([...new Set(asked)], [new URL(here.worker.url).origin]);
  }));

test("code is copied as it was written", () =>
  app(
    async (chat, page) => {
      await chat.say("Some code");
      await chat.replies.first().getByRole("button", { name: "Copy code" }).click();
      await page.getByText("Copied").waitFor();
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      assert.equal(copied, 'const moon = "pulls"; // always\n');
    },
    { permissions: ["clipboard-read", "clipboard-write"] },
  ));

test("what a person wrote stays as written", () =>
  app(async (chat) => {
    await chat.say("**not bold** and `no code`");
    assert.equal(await chat.questions.first().locator("strong, code").count(), 0);
  }));
