// Visitors: a client without credentials gets a token when the server wants one, keeps it, and shares it with its tabs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "./app.mjs";
import { sdkTests } from "./sdk.mjs";

const withContext = sdkTests({ VISITOR_SECRET: "0123456789abcdef0123456789abcdef", OPEN_LOCALHOST: "off" });

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
