// What /v1/ai/chat refuses, in words that say what to do, and what it doesn't look at.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { assertProblem } from "../harness/api.mjs";
import { onEachStore } from "../harness/stores.mjs";

const text = { type: "text", text: "What is this?" };
const user = (...parts) => ({ id: `m-${randomUUID()}`, role: "user", parts });

onEachStore("a request of the AI SDK", {}, (the) => {
  const ask = (...messages) => the.api.send("POST", "/v1/ai/chat", { id: `c-${randomUUID()}`, messages });

  test("with a file is refused, with a text or alone, and says what to do", async () => {
    for (const url of ["https://a.example/x.png", "data:image/png;base64,AAAA", "blob:http://a.example/1"]) {
      const file = { type: "file", mediaType: "image/png", url };
      for (const message of [user(file), user(file, text)]) {
        const { detail } = assertProblem(await ask(message), 400, "unsupported");
        assert.match(detail, /links in its text/);
      }
    }
    assert.match(assertProblem(await ask(user({ type: "data-x", data: 1 })), 400, "message_empty").detail, /no text/);
  });

  test("with an approval is refused and says what to do", async () => {
    const approval = { id: "a1", approved: false, reason: "no" };
    const call = { type: "tool-w", toolCallId: "c1", state: "approval-responded", input: {}, approval };
    const answer = await ask({ id: "r-1", role: "assistant", parts: [call] });
    assert.match(assertProblem(answer, 400, "unsupported").detail, /approvals/);
  });

  test("is not decided over by its earlier messages", async () => {
    let deep = {};
    for (let level = 0; level < 200; level += 1) deep = { deep };
    const earlier = { id: "r-0", role: "assistant", parts: [{ type: "data-x", data: deep }] };
    assert.equal((await ask(earlier, user(text))).status, 200);
    assertProblem(await ask(user(text, { type: "data-x", data: deep })), 400, "json_too_deep");
    const long = { id: "r-0", role: "assistant", parts: [{ type: "text", text: "x".repeat(4_200_000) }] };
    const { detail } = assertProblem(await ask(long, user(text)), 413, "body_too_large");
    assert.match(detail, /prepareSendMessagesRequest/);
  });

  test("whose tool gave too much is told so", async () => {
    const call = {
      type: "tool-w",
      toolCallId: "c1",
      state: "output-available",
      input: {},
      output: "x".repeat(1_100_000),
    };
    const answer = await ask({ id: "r-1", role: "assistant", parts: [call] });
    assert.match(assertProblem(answer, 413, "message_too_long").detail, /outputs of its tools/);
  });
});
