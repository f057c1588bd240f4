// What the assistant writes is Markdown: rendered, and never able to do anything.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "./app.mjs";
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

/** Opens a chat in which the assistant has said this, and hands its reply to `use`. */
const said = (text, use, more) =>
  app(async (chat, page) => {
    here.model.say(text);
    await chat.say("Say it");
    await use(chat.replies.first(), page, chat);
  }, more);

const WIDE = `| ${"Language | Year of the first release | ".repeat(6)}
| ${"--- | ".repeat(12)}
| ${"TypeScript | 2012 | ".repeat(6)}`;

test("words in a table stay whole, and a table that is too wide scrolls", () =>
  said(WIDE, async (reply) => {
    const cell = reply.getByRole("cell", { name: "TypeScript" }).first();
    await cell.waitFor();
    const lines = await cell.evaluate((el) => {
      const range = document.createRange();
      range.selectNodeContents(el);
      return range.getClientRects().length;
    });
    assert.equal(lines, 1);
    const [width, inner] = await reply.locator(".markdown-table").evaluate((el) => [el.clientWidth, el.scrollWidth]);
    assert.ok(inner > width, `${inner} in ${width}`);
  }));

const MATH = [
  "Inline \\( a_1^2 + b_1^2 = c_1^2 \\) and",
  "",
  "\\[ \\sum_{i=1}^n x_i \\\\ y \\]",
  "",
  "$$\\frac{a*b*c}{2}$$",
  "",
  "`\\(code\\)` and **bold**",
  "",
  "```tex",
  "\\[ in code \\]",
  "```",
].join("\n");

test("formulas are shown as they were written, and what is around them as Markdown", () =>
  said(MATH, async (reply) => {
    await reply.locator("pre").waitFor();
    const paragraphs = await reply.locator(".markdown > p").allTextContents();
    assert.deepEqual(paragraphs, [
      "Inline \\( a_1^2 + b_1^2 = c_1^2 \\) and",
      "\\[ \\sum_{i=1}^n x_i \\\\ y \\]",
      "$$\\frac{a*b*c}{2}$$",
      "\\(code\\) and bold",
    ]);
    assert.equal(await reply.locator("strong").textContent(), "bold");
    assert.equal(await reply.locator("pre").textContent(), "\\[ in code \\]\n");
  }));

test("footnotes stay on the page, and have ids of their own in every message", () =>
  said("True[^1].\n\n[^1]: So they say.", async (reply, page, chat) => {
    await reply.getByText("So they say.").waitFor();
    await chat.say("Again");
    await chat.replies.nth(1).getByText("So they say.").waitFor();
    const look = () =>
      chat.log.evaluate((log) => ({
        ids: [...log.querySelectorAll("[id]")].map(({ id }) => id),
        links: [...log.querySelectorAll(".markdown a")].map(({ hash, target }) => ({ hash, target })),
      }));
    const { ids, links } = await eventually(look, ({ links }) => links.length === 4);
    assert.equal(new Set(ids).size, ids.length, ids.join(" "));
    for (const { hash, target } of links) {
      assert.equal(target, "");
      assert.ok(ids.includes(decodeURIComponent(hash.slice(1))), `${hash} of ${ids.join(" ")}`);
    }
    await chat.log.locator(".markdown sup a").first().click();
    assert.equal(page.context().pages().length, 1);
  }));

test("an answer from right to left begins at the right", () =>
  said("שלום", async (reply) => {
    const body = reply.locator(".markdown");
    await body.locator("p").waitFor();
    const widths = await body.evaluate((el) => [el.offsetWidth, el.closest("li").offsetWidth]);
    assert.equal(widths[0], widths[1]);
    assert.equal(await body.evaluate((el) => getComputedStyle(el).direction), "rtl");
  }));
