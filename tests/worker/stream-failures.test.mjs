// Streamed turns whose responder fails, is slow or falls silent, and a Worker that crashes in mid-turn.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertProblem, eventually, ok } from "../harness/api.mjs";
import { END, Gate, word, words } from "../harness/model-api.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { aTurn, kept, withModel } from "../harness/streaming.mjs";

forEachStore("a responder that fails in a stream", (store) => {
  const the = withModel(store);

  for (const [what, stream, code] of [
    [
      "an error in mid-stream",
      () => [word("Part"), 'data: {"error":{"message":"secret words"}}\n\n'],
      "responder_failed",
    ],
    ["a chunk that is none", () => [word("Part"), "data: <html>\n\n"], "responder_failed"],
    ["an end without an end", () => [word("Part")], "responder_failed"],
    ["a broken connection", () => broken(word("Part")), "responder_failed"],
    ["too long a reply", () => [word("Part"), word("x".repeat(900_001)), END], "responder_failed"],
  ]) {
    test(`${what} keeps what had come, and can be regenerated`, async () => {
      const turn = aTurn();
      the.model.answer(() => ({ stream: stream() }));
      const answer = await the.stream(turn);
      const { name, data } = (await answer.all()).at(-1);
      assert.deepEqual([name, data.code, data.retryable], ["error", code, false]);
      assert.deepEqual([data.session_id, data.message_id], [turn.session_id, turn.message_id]);
      assert.ok(!JSON.stringify(data).includes("secret words"));
      const [, [role, content, status]] = await kept(the.api, turn.session_id);
      assert.deepEqual([role, content.slice(0, 4), status], ["assistant", "Part", "interrupted"]);
      assert.equal(ok(await the.api.chat(turn)).interrupted, true);

      the.model.say("Whole");
      const again = await the.stream({ session_id: turn.session_id, regenerate: turn.message_id });
      assert.equal((await again.all()).at(-1).data.message_id, turn.message_id);
      assert.deepEqual(await kept(the.api, turn.session_id), [
        ["user", "Hello"],
        ["assistant", "Whole"],
      ]);
    });
  }

  for (const [what, told, code] of [
    ["an error at once", { status: 500 }, "responder_failed"],
    ["a busy API", { status: 429 }, "responder_busy"],
    ["nothing at all", { stream: [END] }, "responder_failed"],
  ]) {
    test(`${what} keeps nothing, and the same turn can be sent again`, async () => {
      const turn = aTurn();
      the.model.answer(() => told);
      const { name, data } = (await (await the.stream(turn)).all()).at(-1);
      assert.deepEqual([name, data.code, data.retryable], ["error", code, true]);
      assert.deepEqual(await kept(the.api, turn.session_id), [["user", "Hello"]]);
      the.model.say("At last");
      const again = await the.stream(turn);
      assert.equal((await again.all()).at(-1).data.response, "At last");
    });
  }
});

/** Writes some of a stream, and breaks the connection. */
async function* broken(...pieces) {
  yield* pieces;
  await new Promise((resolve) => setTimeout(resolve, 50));
  throw new Error("as told by the test");
}

forEachStore("a streamed turn with little time", (store) => {
  const the = withModel(store, { RESPONDER_TIMEOUT_SECONDS: "1", LEASE_SECONDS: "2", MAX_RUNNING_TURNS: "2" });

  test("that falls silent is given up, and keeps what had come", async () => {
    const turn = aTurn();
    the.model.answer(() => ({ stream: words("Part ", new Gate()) }));
    const { name, data } = (await (await the.stream(turn)).all()).at(-1);
    assert.deepEqual([name, data.code], ["error", "responder_timeout"]);
    assert.deepEqual((await kept(the.api, turn.session_id))[1], ["assistant", "Part ", "interrupted"]);
  });

  test("that is only kept open by comments is silent too", async () => {
    the.model.answer(() => ({ stream: comments() }));
    const { data } = (await (await the.stream(aTurn())).all()).at(-1);
    assert.equal(data.code, "responder_timeout");
  });

  test("takes longer than its lease, which is renewed", async () => {
    const turn = aTurn();
    the.model.answer(() => ({ stream: slowly(12, 400) }));
    const stream = await the.stream(turn);
    await stream.untilText("8 ");
    assertProblem(await the.api.chat(turn), 409, "turn_in_progress");
    assert.equal((await stream.all()).at(-1).name, "done");
  });

  test("is one of so many", async () => {
    const turns = [aTurn(), aTurn()];
    the.model.answer(() => ({ stream: words("On ", new Gate()) }));
    const streams = await Promise.all(turns.map((turn) => the.stream(turn)));
    await Promise.all(streams.map((stream) => stream.untilText("On ")));
    const refused = assertProblem(await the.api.chat({ ...aTurn(), stream: true }), 429, "too_many_turns");
    assert.equal(refused.retryable, true);
    assert.equal((await the.follow(turns[0].session_id)).status, 200);
    await Promise.all(turns.map(({ session_id }) => the.stop(session_id)));
    the.model.say("Room");
    assert.equal((await (await the.stream(aTurn())).all()).at(-1).name, "done");
  });

  test("that a crash broke off says so, keeps what had come and can be regenerated", async () => {
    const turn = aTurn();
    the.model.answer(() => ({ stream: slowly(100, 100) }));
    const stream = await the.stream(turn);
    await stream.untilText("6 ");
    await the.worker.kill();
    await the.worker.restart();
    const [, [role, content, status]] = await eventually(
      () => kept(the.api, turn.session_id),
      (messages) => messages.length === 2,
    );
    assert.deepEqual([role, content.slice(0, 6), status], ["assistant", "0 1 2 ", "interrupted"]);
    the.model.say("Whole");
    const again = ok(await the.api.chat({ session_id: turn.session_id, regenerate: turn.message_id }));
    assert.equal(again.response, "Whole");
    assert.equal((await kept(the.api, turn.session_id)).length, 2);
  });
});

async function* slowly(count, milliseconds) {
  for (let number = 0; number < count; number += 1) {
    yield word(`${number} `);
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  }
  yield END;
}

async function* comments() {
  for (let number = 0; number < 100; number += 1) {
    yield ": still here\n\n";
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
