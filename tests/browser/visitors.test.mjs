// Visitors: a client without credentials gets a token when the server wants one, keeps it, and shares it with its tabs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { secretToken } from "../harness/fake-issuer.mjs";
import { eventually } from "./app.mjs";
import { sdkTests } from "./sdk.mjs";

const JWT_SECRET = "fedcba9876543210fedcba9876543210";
const ISSUER = { JWT_SECRET, JWT_ISSUER: "https://issuer.example", JWT_AUDIENCE: "chatkeep" };

const withContext = sdkTests({
  VISITOR_SECRET: "0123456789abcdef0123456789abcdef",
  OPEN_LOCALHOST: "off",
  ...ISSUER,
});

const visitors = (tab) => tab.requests.filter((request) => request === "POST /v1/visitors").length;

test("whoever comes without credentials becomes a visitor, and stays the same one", async () => {
  await withContext(async (context) => {
    const [first, second] = [await context.open(), await context.open()];
    // Both at once: they must not become two.
    await Promise.all([first.call("send", "From the first"), second.call("send", "From the second")]);
    assert.equal(visitors(first) + visitors(second), 1);
    await first.call("sessions");
    assert.equal((await first.snapshot()).sessions.length, 2);
    const kept = await first.page.evaluate(() => localStorage.getItem("chatkeep:visitor"));
    assert.match(kept, /"token":"ckv1\./);
    await first.page.reload();
    await eventually(first.lines, (lines) => lines[0] === "From the first (stored)");
    // One that is about to end is renewed, for the same visitor.
    await first.page.evaluate((text) => {
      const visitor = { ...JSON.parse(text), expires_at: new Date(Date.now() + 3_600_000).toISOString() };
      localStorage.setItem("chatkeep:visitor", JSON.stringify(visitor));
    }, kept);
    await first.page.reload();
    await eventually(first.lines, (lines) => lines.length === 2);
    await eventually(
      async () => visitors(first) + visitors(second),
      (count) => count === 2,
    );
    await first.call("sessions");
    assert.equal((await first.snapshot()).sessions.length, 2);
  });
  await withContext(async (other) => {
    const stranger = await other.open();
    await stranger.call("sessions");
    assert.deepEqual((await stranger.snapshot()).sessions, [], "another browser is another visitor");
  });
});

/** Opens the page of a tab again for a user who has signed in. */
async function signIn(tab, sub) {
  const exp = Math.floor(Date.now() / 1000) + 600;
  const auth = secretToken({ iss: ISSUER.JWT_ISSUER, aud: ISSUER.JWT_AUDIENCE, sub, exp }, JWT_SECRET);
  await tab.page.evaluate((options) => sessionStorage.setItem("options", options), JSON.stringify({ auth }));
  await tab.page.reload();
  await tab.page.waitForFunction(() => globalThis.chat?.getSnapshot().ready);
}

const titles = async (tab) => (await tab.snapshot()).sessions.map(({ title }) => title);

/** Claims, for a user whom the server refuses that; gives the error's code. */
const refusal = (tab, token) =>
  tab.page.evaluate((it) => globalThis.chat.claim(it).catch((error) => error.code), token);

test("whoever signs in takes the visitor's sessions along, in every tab", async () => {
  await withContext(async (context) => {
    const [first, second] = [await context.open(), await context.open()];
    await first.call("send", "Before signing in");
    const { id } = (await first.snapshot()).session;
    const token = await first.page.evaluate(() => JSON.parse(localStorage.getItem("chatkeep:visitor")).token);
    assert.equal(await refusal(first), "forbidden", "a visitor claims nothing");

    for (const tab of [first, second]) {
      await signIn(tab, "ada");
      assert.deepEqual(await tab.call("sessions"), []);
    }
    assert.deepEqual(await first.call("claim"), { moved: 1, renamed: {} });
    assert.deepEqual(await titles(first), ["Before signing in"]);
    await eventually(
      () => titles(second),
      (all) => all.length === 1,
    );
    assert.equal(await first.page.evaluate(() => localStorage.getItem("chatkeep:visitor")), null);
    assert.deepEqual(await first.lines(), ["Before signing in (stored)", "You said: Before signing in (stored)"]);
    assert.equal((await first.snapshot()).problem, null, "the open chat stays open");
    await first.call("send", "And after it");
    assert.equal((await first.lines()).length, 4);
    assert.equal((await first.snapshot()).sessionId, id);
    assert.deepEqual(await first.call("claim"), { moved: 0, renamed: {} }, "nobody is left");
    assert.deepEqual(await first.call("claim", token), { moved: 0, renamed: {} }, "nor for who has the token");

    await signIn(second, "eve");
    assert.equal(await refusal(second, token), "visitor_claimed");
    assert.deepEqual(await titles(second), []);
  });
});

test("whoever asks for a token says how far it knows the API", async () => {
  await withContext(async (context) => {
    const tab = await context.open();
    const asked = tab.page.waitForRequest((request) => new URL(request.url()).pathname === "/v1/visitors");
    await tab.call("send", "Hello");
    assert.equal((await asked).headers()["chatkeep-client"], "1");
  });
});
