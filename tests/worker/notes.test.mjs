// What is noted of a session, the tokens that it used and its summary, goes where it goes: into branches, exports, another owner's
// hands, another store, the archive and back. Plain, and encrypted at rest.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { Api, eventually, ok } from "../harness/api.mjs";
import { FakeModelApi } from "../harness/model-api.mjs";
import { startRedis } from "../harness/redis.mjs";
import { forEachStore, onRedis } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

const SUMMARY = "Ada má ráda tramvaje";
const KEY = "a-server-s-own-key";
const SEALED = { ENCRYPTION_KEYS: `k1:${randomBytes(32).toString("hex")}`, ENCRYPTION_STRICT: "on" };
const FORMS = /** @type {const} */ ({ plain: {}, encrypted: SEALED });

/** A fake model API that summarises, and counts ten tokens for each turn. */
async function startModel() {
  const model = await FakeModelApi.start();
  model.answer(({ body }) => {
    const content = /^Summarise/.test(body.messages.at(-1).content) ? SUMMARY : "Yes";
    const choices = [{ message: { role: "assistant", content } }];
    return { status: 200, body: JSON.stringify({ choices, usage: { total_tokens: 10 } }) };
  });
  return model;
}

const responder = (/** @type {FakeModelApi} */ model) => ({
  RESPONDER: "openai",
  OPENAI_BASE_URL: model.url,
  SUMMARY: "responder",
  WINDOW_MESSAGES: "4",
});

async function noted(/** @type {Api} */ api, /** @type {string} */ id) {
  const { tokens_used, summary } = ok(await api.info(id));
  return [tokens_used, summary?.messages, summary?.characters];
}

/** A session of four turns, the first four messages of which have a summary. */
async function talk(/** @type {Api} */ api, /** @type {string} */ session_id) {
  for (const [number, summarised] of [0, 2, 4].entries()) {
    await api.say(`Turn ${number}`, { session_id, message_id: `m${number}` });
    await eventually(
      () => noted(api, session_id),
      ([, messages]) => (messages ?? 0) === summarised,
    );
  }
  return noted(api, session_id);
}

/** Whether the model was shown the summary with the session's next turn. */
async function isShown(/** @type {FakeModelApi} */ model, /** @type {Api} */ api, /** @type {string} */ session_id) {
  const before = model.requests.length;
  await api.say("And now?", { session_id });
  return model.requests[before].body.messages[0].content.includes(SUMMARY);
}

forEachStore("what is noted of a session", (store) => {
  for (const [form, vars] of Object.entries(FORMS)) {
    describe(form, () => {
      /** @type {FakeModelApi} */
      let model;
      let worker;
      /** @type {(user: string) => Api} */
      let as;
      before(async () => {
        model = await startModel();
        const own = { API_KEYS: KEY, VISITOR_SECRET: randomBytes(32).toString("hex"), ...vars };
        worker = await startWorker({ store, vars: { ...responder(model), ...own } });
        as = (user) => new Api(worker.url, { "x-api-key": KEY, "chatkeep-user": user });
      });
      after(async () => {
        await worker?.stop();
        await model?.stop();
      });

      test("a branch takes its share of the tokens, and the summary where it is of what the branch has", async () => {
        const ada = as("branches");
        assert.deepEqual(await talk(ada, "s"), [30, 4, SUMMARY.length]);
        const fork = (/** @type {object} */ body) => ada.send("POST", "/v1/sessions/s/fork", body);
        for (const [target, at, expected] of [
          ["whole", undefined, [30, 4, SUMMARY.length]],
          ["second", "r-m1", [20, 4, SUMMARY.length]],
          ["first", "r-m0", [10, undefined, undefined]],
        ]) {
          ok(await fork({ session_id: target, at }));
          assert.deepEqual(await noted(ada, target), expected, target);
        }
        assert.ok(await isShown(model, ada, "whole"));
        assert.deepEqual(await noted(ada, "s"), [30, 4, SUMMARY.length]);
      });

      test("an export has it, and an import brings it; repeated it changes nothing", async () => {
        const ada = as("exports");
        await talk(ada, "s");
        const { text } = await ada.get("/v1/export");
        const { session } = JSON.parse(text.split("\n")[0]);
        assert.deepEqual(session.tokens_used, 30);
        assert.deepEqual(session.summary, { messages: 4, last: "r-m1", text: SUMMARY });
        const bob = as("imports");
        for (const times of [1, 2]) {
          ok(await bob.send("POST", "/v1/import", text));
          assert.deepEqual(await noted(bob, "s"), [30, 4, SUMMARY.length], `${times}`);
        }
        assert.equal(
          (await bob.get("/v1/export")).text.replace(/"updated_ms":\d+/, ""),
          text.replace(/"updated_ms":\d+/, ""),
        );
        assert.ok(await isShown(model, bob, "s"));
      });

      test("an import that says too much of it is refused, and changes nothing", async () => {
        const carl = as("carl");
        const line = (/** @type {object} */ more) =>
          JSON.stringify({ session: { session_id: "s", created_ms: 1, updated_ms: 1, ...more } });
        for (const more of [
          { tokens_used: -1 },
          { summary: { messages: 1, last: "not an id", text: "x" } },
          { summary: { messages: 1, last: "m1", text: "x".repeat(10_000) } },
        ]) {
          const { status, body } = await carl.send("POST", "/v1/import", line(more));
          assert.deepEqual([status, body.code], [400, "invalid_body"], JSON.stringify(more).slice(0, 80));
        }
        assert.equal((await carl.list()).count, 0);
      });

      test("a claim takes it along", async () => {
        const { token } = ok(await new Api(worker.url).send("POST", "/v1/visitors"));
        const visitor = new Api(worker.url, { authorization: `Bearer ${token}` });
        await talk(visitor, "s");
        const user = as("claims");
        assert.equal(ok(await user.send("POST", "/v1/visitors/claim", { visitor: token })).moved, 1);
        assert.deepEqual(await noted(user, "s"), [30, 4, SUMMARY.length]);
        assert.ok(await isShown(model, user, "s"));
      });
    });
  }
});

onRedis("what is noted of a session, with a Redis that comes, and one that forgets", () => {
  for (const [form, vars] of Object.entries(FORMS)) {
    test(`it moves from the vault to Redis, ${form}`, async () => {
      const [model, redis] = [await startModel(), await startRedis()];
      const own = { ...responder(model), ...vars };
      const first = await startWorker({ store: "vault", vars: own });
      let second;
      try {
        await talk(new Api(first.url), "s");
        await first.kill();
        second = await startWorker({ store: "upstash", redis, persistTo: first.persistTo, vars: own });
        const api = new Api(second.url);
        assert.deepEqual(await noted(api, "s"), [30, 4, SUMMARY.length]);
        assert.equal(await redis.cli("EXISTS", "chatkeep:{app}:s:s"), "1");
        assert.ok(await isShown(model, api, "s"));
      } finally {
        await second?.stop();
        await first.stop();
        await redis.stop();
        await model.stop();
      }
    });

    test(`it comes back from the archive, ${form}`, async () => {
      const [model, redis] = [await startModel(), await startRedis()];
      const own = { ...responder(model), ARCHIVE_MODE: "interval", SYNC_INTERVAL: "1", ...vars };
      const worker = await startWorker({ store: "upstash", redis, vars: own });
      try {
        const api = new Api(worker.url);
        await talk(api, "s");
        await worker.tick();
        await redis.cli("FLUSHALL");
        assert.deepEqual(await api.texts("s"), ["Turn 0", "Yes", "Turn 1", "Yes", "Turn 2", "Yes"]);
        assert.deepEqual(await noted(api, "s"), [30, 4, SUMMARY.length]);
        assert.ok(await isShown(model, api, "s"));
      } finally {
        await worker.stop();
        await redis.stop();
        await model.stop();
      }
    });
  }
});
