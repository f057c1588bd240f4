// Two devices of one user: two browsers that share nothing but the server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Gate, words } from "../harness/model-api.mjs";
import { api } from "./app.mjs";
import { site } from "./site.mjs";

// Of two browsers without credentials that is the same user: the application.
const here = site({ model: true });

/** The app on two devices, once both listen. */
const onTwo = (title, use) =>
  here.app((first, page) =>
    here.app(async (second, other) => {
      here.model.say("Listening");
      await first.say(title);
      await second.session(title).click();
      await second.replies.first().waitFor();
      await use(first, second, page, other);
    }),
  );

const shows = (app, status, text) => app.log.locator(`[data-status=${status}]`, { hasText: text }).waitFor();

test("a reply that one device streams appears on the other, and both end alike", () =>
  onTwo("Counting", async (first, second) => {
    const [one, two] = [new Gate(), new Gate()];
    here.model.answer(() => ({ stream: words("One ", one, "two ", two, "three.") }));
    await first.send("Count");
    for (const device of [first, second]) await shows(device, "streaming", "One");
    assert.equal(await second.questions.count(), 2);
    one.open();
    for (const device of [first, second]) await shows(device, "streaming", "One two");
    two.open();
    for (const device of [first, second]) await shows(device, "stored", "One two three.");
    here.model.say("And back");
    await second.say("Now I");
    await shows(first, "stored", "And back");
    assert.deepEqual(await first.messages.allTextContents(), await second.messages.allTextContents());
    assert.equal(await first.messages.count(), 6);
  }));

test("chats, titles, deletions and what a server appends show on the other device", () =>
  onTwo("Managing", async (first, second) => {
    await first.newChat();
    here.model.say("Hi");
    await first.say("A chat of the first");
    await second.session("A chat of the first").waitFor();
    const { sessions } = await api(here.worker.url, "/v1/sessions");
    const path = `/v1/sessions/${sessions[0].session_id}`;
    await api(here.worker.url, path, { method: "PATCH", body: JSON.stringify({ title: "Renamed elsewhere" }) });
    for (const device of [first, second]) await device.session("Renamed elsewhere").waitFor();
    const messages = [{ role: "assistant", content: "Appended elsewhere" }];
    await api(here.worker.url, `${path}/messages`, { method: "POST", body: JSON.stringify({ messages }) });
    await shows(first, "stored", "Appended elsewhere");
    await api(here.worker.url, path, { method: "DELETE" });
    for (const device of [first, second]) await device.session("Renamed elsewhere").waitFor({ state: "detached" });
  }));

test("a device that was away finds what it missed", () =>
  onTwo("Leaving", async (first, second, _page, other) => {
    await other.context().setOffline(true);
    await other.getByText("You’re offline").waitFor();
    here.model.say("While you were away");
    await first.say("Where are you?");
    await other.context().setOffline(false);
    await shows(second, "stored", "While you were away");
  }));

test("a chat that is deleted elsewhere says so, and can be brought back where it was read", () =>
  onTwo("Reading", async (first, second) => {
    await first.choose("Reading", "Delete");
    const toast = second.toast("This chat was deleted in another tab or on another device.");
    await toast.waitFor();
    assert.equal(await first.toast("in another tab").count(), 0);
    await toast.getByRole("button", { name: "Undo" }).click();
    await second.questions.getByText("Reading").waitFor();
    await first.session("Reading").waitFor();
  }));
