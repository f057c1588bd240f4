// Message ids: another message with the id of one that is looked at is refused, and changes nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertProblem, ok } from "../harness/api.mjs";
import { onEachStore } from "../harness/stores.mjs";

onEachStore("message ids", { WINDOW_MESSAGES: "4" }, (the) => {
  const keyed = (message_id, key, more) =>
    the.api.chat({ message: `With ${key}`, session_id: "s", message_id, ...more }, { "idempotency-key": key });

  test("a turn of another key whose message has the id of one in the window is refused", async () => {
    await the.api.say("First", { session_id: "s", message_id: "m1" });
    const { revision } = ok(await the.api.info("s"));
    for (const id of ["m1", "r-m1"]) {
      const problem = assertProblem(await keyed(id, `k-${id}`), 409, "message_exists");
      assert.deepEqual([problem.session_id, problem.message_id, problem.retryable], ["s", id, false]);
    }
    assert.equal(ok(await the.api.info("s")).revision, revision);
    assert.equal(ok(await the.api.chat({ message: "First", session_id: "s", message_id: "m1" })).replayed, true);
  });

  test("so is an append", async () => {
    const messages = [
      { role: "user", content: "New" },
      { role: "user", content: "Known", id: "m1" },
    ];
    const append = await the.api.send("POST", "/v1/sessions/s/messages", { messages });
    assertProblem(append, 409, "message_exists");
    assert.equal(ok(await the.api.info("s")).message_count, 2);
  });

  test("also when the window has passed it, while its turn is remembered", async () => {
    for (let turn = 2; turn < 6; turn += 1)
      await the.api.say(`Turn ${turn}`, { session_id: "s", message_id: `m${turn}` });
    assertProblem(await keyed("m1", "k-later"), 409, "message_exists");
  });

  test("an edit may use the id of what it cuts away", async () => {
    const { message_id } = ok(await keyed("m5", "k-edit", { cut_after: "r-m4" }));
    assert.equal(message_id, "m5");
    const texts = await the.api.texts("s");
    assert.deepEqual([texts.length, texts.at(-2)], [10, "With k-edit"]);
  });
});
