// axe finds nothing to object to in the app's main states, light, dark and on a phone.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { failOnce, PHONE } from "./app.mjs";
import { site } from "./site.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const here = site();

async function inspect(page, state) {
  // Through the debugger, as the page's own policy lets no foreign script in.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run());
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(", ")}`);
  assert.deepEqual(found, [], state);
}

for (const colorScheme of ["light", "dark"]) {
  test(`no violations, ${colorScheme}`, () =>
    here.app(
      async (chat, page) => {
        await inspect(page, "a new chat");
        await chat.say(`A ${colorScheme} day`);
        await inspect(page, "a chat");
        await chat.say(
          "\n\n- [ ] open\n- [x] done\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\nTrue[^1]\n\n[^1]: so they say",
        );
        await chat.replies.nth(1).getByRole("checkbox").first().waitFor();
        await inspect(page, "an answer with a task list, a table and a footnote");
        await failOnce(page, "responder_failed", 502);
        await chat.send("Lost");
        await chat.log.getByRole("button", { name: "Retry" }).waitFor();
        await inspect(page, "a failed message");
        await chat.session(`A ${colorScheme} day`).hover();
        await chat.list.getByRole("button", { name: "More for" }).click();
        await page.getByRole("menuitem", { name: "Rename" }).waitFor();
        await inspect(page, "a session's menu");
        await page.getByRole("menuitem", { name: "Rename" }).click();
        await inspect(page, "a session being renamed");
        await page.keyboard.press("Escape");
        await chat.choose(`A ${colorScheme} day`, "Delete");
        await chat.toast("Chat deleted.").waitFor();
        await inspect(page, "the notice after a deletion");
        await page.getByRole("button", { name: "Incognito" }).click();
        await inspect(page, "an incognito chat");
        await page.keyboard.press("Control+/");
        await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
        await inspect(page, "the shortcuts");
      },
      { colorScheme },
    ));
}

test("no violations on a phone", () =>
  here.app(
    async (chat, page) => {
      await chat.say("A small screen");
      await inspect(page, "a chat");
      await page.getByRole("button", { name: "Show your chats" }).tap();
      await page.getByRole("dialog", { name: "Chats" }).waitFor();
      await inspect(page, "the drawer");
    },
    { ...PHONE, reducedMotion: "reduce" },
  ));
