// The configurable limits on sessions and messages, on every store.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertProblem, eventually, ok } from "../harness/api.mjs";
import { deleteAll, onEachStore } from "../harness/stores.mjs";

const LIMITS = {
  MAX_MESSAGES_PER_SESSION: "6",
  MAX_SESSIONS_PER_OWNER: "3",
  MAX_MESSAGE_BYTES: "10",
  MAX_BODY_BYTES: "200",
  UNDO_SECONDS: "1",
};

onEachStore("limits", LIMITS, (the) => {
  test("a session keeps its newest messages, and counts them all", async () => {
    const session_id = "trimmed";
    for (let turn = 0; turn < 6; turn += 1) await the.api.say(`text ${turn}`, { session_id, message_id: `m${turn}` });
    const info = ok(await the.api.info(session_id));
    assert.deepEqual([info.message_count, info.total_messages], [6, 12]);
    const { messages, next_before } = await the.api.history(session_id);
    assert.deepEqual(
      messages.map((message) => message.id),
      ["m3", "r-m3", "m4", "r-m4", "m5", "r-m5"],
    );
    assert.equal(next_before, undefined);
    const page = await the.api.history(session_id, "?limit=4");
    assert.equal((await the.api.history(session_id, `?before=${page.next_before}`)).messages.length, 2);
    const card = (await the.api.list()).sessions.find((session) => session.session_id === session_id);
    assert.deepEqual([card.message_count, card.total_messages], [6, 12]);
  });

  test("a turn whose messages were dropped isn't run again", async () => {
    const turn = { session_id: "trimmed", message_id: "m0", message: "text 0" };
    assertProblem(await the.api.chat(turn), 410, "message_gone");
    assert.equal(ok(await the.api.chat({ ...turn, message_id: "m5", message: "text 5" })).replayed, true);
    assert.equal(ok(await the.api.info("trimmed")).total_messages, 12);
  });

  test("an owner has so many sessions and no more, until one is gone", async () => {
    await deleteAll(the.api);
    for (const session_id of ["a", "b", "c"]) await the.api.say("Hello", { session_id });
    assertProblem(await the.api.chat({ message: "Hello", session_id: "d" }), 409, "too_many_sessions");
    assertProblem(await the.api.send("POST", "/v1/sessions", { session_id: "d" }), 409, "too_many_sessions");
    assert.equal((await the.api.list()).count, 3);
    await the.api.say("Hello", { session_id: "a" });
    ok(await the.api.delete("b"));
    await the.api.say("Hello", { session_id: "d" });
    assert.equal((await the.api.list()).count, 3);
  });

  test("a deleted session's id is free after its undo window", async () => {
    await deleteAll(the.api);
    await the.api.say("Before", { session_id: "again" });
    ok(await the.api.delete("again"));
    const look = () => the.api.chat({ message: "After", session_id: "again" });
    const answer = await eventually(look, ({ status }) => status !== 410);
    assert.equal(ok(answer).created, true);
    assert.equal((await the.api.texts("again"))[0], "After");
  });

  test("messages and bodies may be so long, replies longer", async () => {
    await deleteAll(the.api);
    assert.match((await the.api.say("1234567890")).response, /1234567890/);
    assertProblem(await the.api.chat({ message: "12345678901" }), 413, "message_too_long");
    assertProblem(await the.api.chat({ message: "12345678č0" + "1" }), 413, "message_too_long");
    assertProblem(await the.api.chat({ message: "a", metadata: { a: "x".repeat(200) } }), 413, "body_too_large");
    assert.equal((await the.api.list()).count, 1);
  });
});

onEachStore("the cap of bytes", { MAX_SESSION_BYTES: "1000" }, (the) => {
  test("drops a session's oldest messages, and its bytes are counted exactly", async () => {
    const session_id = "heavy";
    for (let turn = 0; turn < 9; turn += 1) {
      const { session } = await the.api.say(`žluťoučký kůň ${turn}`, { session_id, message_id: `m${turn}` });
      const { messages } = await the.api.history(session_id);
      const bytes = messages.reduce((sum, message) => sum + Buffer.byteLength(JSON.stringify(message)), 0);
      assert.equal(session.bytes, bytes);
      assert.equal(ok(await the.api.info(session_id)).bytes, bytes);
      assert.equal(messages.at(-1).id, `r-m${turn}`);
      // A reply comes on top: its size isn't known when room is made.
      assert.ok(bytes < 1000 + 400, `${bytes}`);
    }
    const { message_count, total_messages } = ok(await the.api.info(session_id));
    assert.equal(total_messages, 18);
    assert.ok(message_count > 2 && message_count < 12, `${message_count}`);
    const [card] = (await the.api.list()).sessions;
    assert.equal(card.bytes, undefined);
  });
});
