// The answer is lost after Redis has done what it was asked, and the call is repeated a hundred times: it is done once.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { Api, eventually, ok } from "../harness/api.mjs";
import { startWorker } from "../harness/worker.mjs";

const REPEATED = 100;

/** @import { Gateway } from "../harness/gateway.mjs" */

/** @type {Gateway} */
let gateway;
let worker;
/** @type {Api} */
let api;
before(async () => {
  worker = await startWorker({ store: "upstash", faults: true });
  ({ gateway } = worker);
  api = new Api(worker.url);
  await api.say("Redis learns the scripts", { session_id: "warm" });
  ok(await api.send("PATCH", "/v1/sessions/warm", { pinned: true }));
  ok(await api.send("POST", "/v1/sessions/warm/messages", { messages: [{ role: "user", content: "a" }] }));
});
after(() => worker?.stop());
afterEach(() => gateway.clear());

/** Every other answer of Redis is lost after it has done its work, for as long as the test repeats. */
const losing = () => Array.from({ length: REPEATED }, () => ({ fault: "drop_response", count: 1, skip: 1 }));

/** Sends a request a hundred times, each until it is answered with success. */
async function repeat(method, path, body, headers) {
  const answers = [];
  for (let number = 0; number < REPEATED; number += 1) {
    const answer = await eventually(
      () => api.send(method, path, body, headers),
      (answer) => answer.status < 300,
    );
    answers.push(answer.body);
  }
  return answers;
}

test("a turn", async () => {
  await gateway.order(...losing());
  const answers = await repeat("POST", "/v1/chat", { message: "Once", session_id: "turn", message_id: "m1" });
  await gateway.clear();
  assert.equal(new Set(answers.map(({ response, reply_id }) => JSON.stringify([response, reply_id]))).size, 1);
  assert.equal(answers.filter((answer) => !answer.replayed).length <= 1, true);
  const { messages, total_messages } = await api.history("turn");
  assert.deepEqual(
    messages.map((message) => message.id),
    ["m1", "r-m1"],
  );
  assert.equal(total_messages, 2);
});

test("an append", async () => {
  const body = { messages: [{ role: "user", content: "Once" }] };
  await gateway.order(...losing());
  const answers = await repeat("POST", "/v1/sessions/append/messages", body, { "idempotency-key": '"a-1"' });
  await gateway.clear();
  assert.equal(new Set(answers.map((answer) => answer.message_ids.join())).size, 1);
  assert.equal((await api.history("append")).total_messages, 1);
});

test("a create without an id", async () => {
  const { count } = await api.list();
  await gateway.order(...losing());
  const answers = await repeat("POST", "/v1/sessions", { title: "Once" }, { "idempotency-key": '"c-1"' });
  await gateway.clear();
  assert.equal(new Set(answers.map((answer) => answer.session_id)).size, 1);
  assert.equal((await api.list()).count, count + 1);
});

test("a patch, which a later one is not undone by", async () => {
  await api.say("Hello", { session_id: "patched" });
  const path = "/v1/sessions/patched";
  await gateway.order(...losing());
  const [first] = await repeat("PATCH", path, { title: "First" }, { "idempotency-key": '"p-1"' });
  await gateway.clear();
  const second = ok(await api.send("PATCH", path, { title: "Second" }, { "idempotency-key": '"p-2"' }));
  assert.equal(second.revision, first.revision + 1);
  assert.equal(ok(await api.send("PATCH", path, { title: "First" }, { "idempotency-key": '"p-1"' })).title, "Second");
});
