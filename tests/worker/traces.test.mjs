// What must not be found anywhere: markers are sent, then everything that is kept or logged is searched for them.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Api, assertProblem, ok } from "../harness/api.mjs";
import { EventStream } from "../harness/events.mjs";
import { FakeModelApi, word, words } from "../harness/model-api.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

/** Every file under a folder that holds a text, as UTF-8 or as UTF-16, which SQLite may use. */
function filesWith(/** @type {string} */ folder, /** @type {string} */ text) {
  const forms = [Buffer.from(text, "utf8"), Buffer.from(text, "utf16le")];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile() && forms.some((form) => readFileSync(file).includes(form)));
}

forEachStore("traces", (store) => {
  /** @type {import("../harness/worker.mjs").Worker} */
  let worker;
  /** @type {FakeModelApi} */
  let model;
  /** @type {Api} */
  let api;

  before(async () => {
    model = await FakeModelApi.start();
    const vars = { RESPONDER: "openai", OPENAI_BASE_URL: model.url, OPENAI_API_KEY: "marker-model-key" };
    worker = await startWorker({ store, vars });
    api = new Api(worker.url);
  });
  after(async () => {
    await worker?.stop();
    await model?.stop();
  });

  /** Where a text is: in what is kept, or in what was logged. */
  async function placesOf(/** @type {string} */ text) {
    const places = filesWith(worker.persistTo, text);
    if (worker.redis) {
      const dump = await worker.redis.cli("--raw", "EVAL", EVERYTHING, "0");
      if (dump.includes(text)) places.push("Redis");
      if (worker.redis.logs().includes(text)) places.push("Redis' log");
    }
    if (worker.logs().includes(text)) places.push("the Worker's log");
    if (worker.gateway?.logs().includes(text)) places.push("the gateway's log");
    return places;
  }

  test("an incognito turn is answered from its context, and leaves none", async () => {
    model.say("marker-incognito-reply");
    const context = [
      { role: "user", content: "marker-incognito-earlier" },
      { role: "assistant", content: "marker-incognito-answer" },
    ];
    const message = "marker-incognito-message";
    const body = ok(await api.chat({ message, incognito: true, context, message_id: "marker-incognito-id" }));
    assert.equal(body.response, "marker-incognito-reply");
    assert.equal(body.incognito, true);
    assert.equal(body.session_id, undefined);
    assert.deepEqual(model.requests.at(-1)?.body.messages, [...context, { role: "user", content: message }]);

    model.fail(500, '{"error":"marker-incognito-failure"}');
    assertProblem(await api.chat({ message, incognito: true, context }), 502, "responder_failed");

    const streamed = (/** @type {object} */ more) =>
      EventStream.open(`${worker.url}/v1/chat`, { json: { message, incognito: true, context, stream: true, ...more } });
    model.answer(() => ({ stream: words("marker-incognito", "-piece") }));
    const stream = await streamed({ message_id: "marker-incognito-id" });
    const events = await stream.all();
    assert.deepEqual(events[0].data, { message_id: "marker-incognito-id", reply_id: "r-marker-incognito-id" });
    assert.equal(stream.text, "marker-incognito-piece");
    const { name, data } = /** @type {import("../harness/events.mjs").Event} */ (events.at(-1));
    const { message_id, reply_id } = events[0].data;
    const whole = { response: "marker-incognito-piece", message_id, reply_id, incognito: true, finish: "stop" };
    assert.deepEqual([name, data], ["done", whole]);
    model.answer(() => ({ stream: [...["marker-incognito", "-piece"].map(word), "data: <html>\n\n"] }));
    assert.equal((await (await streamed({})).all()).at(-1)?.data.code, "responder_failed");
    model.fail(500, '{"error":"marker-incognito-failure"}');
    assertProblem(await api.chat({ message, incognito: true, context, stream: true }), 502, "responder_failed");
    assert.equal((await api.list()).count, 0);
    assert.deepEqual(ok(await api.get("/v1/admin/owners")).owners, []);
    if (worker.redis) assert.equal(await worker.redis.cli("DBSIZE"), "0");
    await worker.restart(); // what was in memory only would be on the disk now
    assert.deepEqual(await placesOf("marker-incognito"), []);
  });

  test("what is said is kept where it belongs, and is in no log", async () => {
    model.say("marker-kept-reply");
    const session_id = "marker-session";
    await api.say("marker-kept-message", { session_id, metadata: { note: "marker-kept-metadata" } });
    ok(await api.send("PATCH", `/v1/sessions/${session_id}`, { title: "marker-kept-title" }));
    ok(await api.send("PUT", `/v1/sessions/${session_id}/state`, { note: "marker-kept-state" }));
    model.fail(500, '{"error":"marker-kept-failure"}');
    assertProblem(await api.chat({ message: "marker-kept-second", session_id }), 502, "responder_failed");
    model.garble("marker-kept-garbage");
    assertProblem(await api.chat({ message: "marker-kept-third", session_id }), 502, "responder_failed");
    for (const [method, path, sent] of [
      ["POST", "/v1/chat", '{"message":"marker-kept-broken'],
      ["POST", "/v1/chat", { message: { text: "marker-kept-object" } }],
      ["POST", "/v1/chat", { message: "marker-kept-id", session_id: "marker kept id" }],
      ["POST", "/v1/chat", { message: "x", metadata: "marker-kept-metadata" }],
      ["GET", "/v1/sessions/marker kept id", undefined],
      ["GET", "/v1/sessions?limit=marker-kept-limit&cursor=marker-kept-cursor", undefined],
      ["PUT", `/v1/sessions/${session_id}/state`, '{"marker-kept-state'],
      ["POST", "/v1/import", '{"message":{"marker-kept-import'],
    ]) {
      const answer = await api.send(`${method}`, `${path}`.replaceAll(" ", "%20"), sent, {
        "if-match": "marker-kept-tag",
        "x-api-key": "marker-kept-key",
        authorization: "Bearer marker-kept-token",
        cookie: "__Host-chatkeep=marker-kept-cookie",
      });
      assert.ok(answer.status >= 400 && answer.status < 500, `${path}: ${answer.status}`);
      assert.ok(!/marker.kept/.test(answer.text), answer.text);
    }
    if (worker.redis) {
      await worker.redis.cli("CONFIG", "SET", "maxmemory", "1");
      await worker.redis.cli("CONFIG", "SET", "maxmemory-policy", "noeviction");
      assert.ok((await api.chat({ message: "marker-kept-oom", session_id })).status >= 500);
      await worker.redis.cli("CONFIG", "SET", "maxmemory", "0");
    }
    assert.ok((await placesOf("marker-kept-reply")).length > 0, "the search finds what is there");
    for (const log of [worker.logs(), worker.gateway?.logs() ?? "", worker.redis?.logs() ?? ""]) {
      assert.ok(!/marker.(kept|model)/.test(log), log);
    }
  });
});

/** Every key of a Redis with all that it holds. */
const EVERYTHING = `
  local all = {}
  for _, key in ipairs(redis.call('KEYS', '*')) do
    local kind = redis.call('TYPE', key).ok
    local held = kind == 'hash' and redis.call('HGETALL', key) or kind == 'zset' and redis.call('ZRANGE', key, 0, -1)
      or kind == 'string' and { redis.call('GET', key) } or { 'of another type' }
    all[#all + 1] = key .. ' ' .. table.concat(held, ' ')
  end
  return table.concat(all, '\\n')`;
