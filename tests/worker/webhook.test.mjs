// The webhook responder: an agent of one's own, in JSON and as a stream.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { assertProblem, ok } from "../harness/api.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { aTurn, withModel } from "../harness/streaming.mjs";

forEachStore("a webhook", (store) => {
  const the = withModel(store, { RESPONDER: "webhook", WEBHOOK_SECRET: "hush-hush" });

  test("is asked with history, metadata and state, signed; what it says is kept", async () => {
    const { session_id } = aTurn();
    const answer = { response: "Hi", sources: [{ url: "https://a.example" }], metadata: { n: 1 }, state: { step: 1 } };
    the.model.answer(() => ({ status: 200, body: JSON.stringify(answer) }));
    const first = ok(await the.api.chat({ message: "One", session_id, message_id: "m1", metadata: { who: "me" } }));
    assert.deepEqual([first.response, first.metadata], ["Hi", { n: 1 }]);
    assert.equal(first.parts.at(-1).url ?? first.parts[1].url, "https://a.example");
    const { path, headers, body } = the.model.requests.at(-1);
    assert.equal(path, "/v1/agent");
    assert.deepEqual(body, { session_id, message_id: "m1", message: "One", history: [], metadata: { who: "me" } });
    const [, seconds, hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(headers["chatkeep-signature"]) ?? [];
    const signed = createHmac("sha256", "hush-hush")
      .update(`${seconds}.${JSON.stringify(body)}`)
      .digest("hex");
    assert.equal(hex, signed);

    the.model.answer(() => ({ stream: ['data: {"delta":"B"}\n\n', 'data: {"delta":"ye","state":[2]}\n\n'] }));
    const events = await (await the.stream({ message: "Two", session_id })).all();
    assert.equal(events.at(-1).data.response, "Bye");
    const again = the.model.requests.at(-1).body;
    assert.deepEqual([again.state, again.history.length], [{ step: 1 }, 2]);
    assert.deepEqual(ok(await the.api.get(`/v1/sessions/${session_id}/state`)), [2]);
  });

  test("that fails says so", async () => {
    for (const [told, status, code] of [
      [{ status: 500 }, 502, "responder_failed"],
      [{ status: 503 }, 503, "responder_busy"],
      [{ status: 200, body: '{"error":"no"}' }, 502, "responder_failed"],
      [{ status: 200, body: "Hi" }, 502, "responder_failed"],
    ]) {
      the.model.answer(() => told);
      assertProblem(await the.api.chat(aTurn()), status, code);
    }
  });
});
