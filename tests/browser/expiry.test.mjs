// A session whose time has run out leaves the list, and the chat says so.
import assert from "node:assert/strict";
import { test } from "node:test";
import { site } from "./site.mjs";

const here = site({ vars: { SESSION_TTL_SECONDS: "4" } });

test("an expired session says so, and one goes on in a new chat", () =>
  here.app(async (chat, page) => {
    await chat.say("Gone with the wind");
    assert.match(await page.getByText(/^Kept until/).textContent(), /less than a minute left$/);
    await chat.session("Gone with the wind").getByText("less than a minute left").waitFor();

    // Nobody touches the page: it finds out by itself.
    const patience = { timeout: 30_000 };
    await chat.log.getByText("This chat has expired or was deleted.").waitFor(patience);
    await chat.session("Gone with the wind").waitFor({ state: "detached", ...patience });
    await chat.log.getByRole("button", { name: "Start a new chat" }).click();
    await page.getByText("Hello! What’s on your mind?").waitFor();
    await chat.say("A new wind");
    assert.equal(await chat.messages.count(), 2);
  }));
