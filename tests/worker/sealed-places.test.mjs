// Encryption at rest in the places that a turn does not come to: summaries, rows of an archive, sessions that move to a Redis.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { Api, eventually, ok } from "../harness/api.mjs";
import { placesWith } from "../harness/at-rest.mjs";
import { FakePostgrest } from "../harness/fake-postgrest.mjs";
import { removeFolder, temporaryFolder } from "../harness/folders.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { FakeModelApi } from "../harness/model-api.mjs";
import { startPostgres } from "../harness/postgres.mjs";
import { startRedis } from "../harness/redis.mjs";
import { forEachStore, onRedis } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

const [K1, K2] = ["k1", "k2"].map((id) => `${id}:${randomBytes(32).toString("hex")}`);
const ASKED = /^Summarise this part of a chat/;

forEachStore("a summary", (store) => {
  let [folder, model, redis, worker] = /** @type {any[]} */ ([]);
  /** @type {Api} */
  let api;

  async function serve(/** @type {string} */ keys) {
    await worker?.stop();
    const vars = { RESPONDER: "openai", OPENAI_BASE_URL: model.url, OPENAI_API_KEY: "none", ENCRYPTION_KEYS: keys };
    Object.assign(vars, { SUMMARY: "responder", WINDOW_MESSAGES: "4" });
    worker = await startWorker({ store, redis, persistTo: folder, vars });
    api = new Api(worker.url);
  }
  before(async () => {
    folder = temporaryFolder("summaries");
    model = await FakeModelApi.start();
    if (store === "upstash") redis = await startRedis();
    await serve(K1);
  });
  after(async () => {
    await worker?.stop();
    await redis?.stop();
    await model?.stop();
    removeFolder(folder);
  });

  test("is sealed where it is kept, and shown to the model after its key was rotated", async () => {
    model.answer(({ body }) => (ASKED.test(body.messages.at(-1).content) ? "marker-summary" : "marker-reply"));
    const { session_id } = await api.say("marker-one");
    await api.say("marker-two", { session_id });
    const summary = await eventually(
      async () => ok(await api.info(session_id)).summary,
      (summary) => summary?.messages === 2,
    );
    assert.equal(summary.characters, "marker-summary".length);
    if (redis) {
      const kept = await redis.cli("HGET", `chatkeep:{app}:s:${session_id}`, "sum");
      // Which messages it is of stays readable.
      const [until, , text] = kept.split(" ");
      assert.ok(until === "2" && text.startsWith("\u0001k1."), kept);
    }
    await worker.kill();
    assert.deepEqual(await placesWith("marker-", folder, redis), []);

    await serve(`${K2},${K1}`);
    await api.say("marker-three", { session_id });
    const turn = model.requests.filter(({ body }) => body.messages.at(-1).content === "marker-three").at(-1);
    assert.match(turn.body.messages[0].content, /in short:\nmarker-summary$/);
    await eventually(
      async () => ok(await api.info(session_id)).summary,
      (summary) => summary?.messages === 4,
    );
    await worker.kill();
    assert.deepEqual(await placesWith("marker-", folder, redis), []);
  });
});

forEachStore("rows of the archive", (store) => {
  let [folder, postgres, rest, redis, worker] = /** @type {any[]} */ ([]);
  /** @type {Api} */
  let api;

  async function serve(/** @type {string} */ keys) {
    await worker?.stop();
    const vars = { SUPABASE_URL: rest.url, SUPABASE_KEY: rest.key, AUTO_SYNC_TO_DB: "true", SYNC_INTERVAL: "1" };
    Object.assign(vars, { ENCRYPTION_KEYS: keys, ...(store === "vault" && { SESSION_TTL: "6" }) });
    worker = await startWorker({ store, redis, persistTo: folder, vars });
    api = new Api(`${worker.url}/openta`);
    await worker.tick();
  }
  before(async () => {
    folder = temporaryFolder("rows");
    postgres = await startPostgres();
    await postgres.sql(`
      CREATE TABLE conversation_messages (
        id UUID PRIMARY KEY, conversation_id TEXT NOT NULL, question TEXT NOT NULL, answer TEXT NOT NULL, sources TEXT[],
        timestamp TIMESTAMP DEFAULT NOW());`);
    rest = await FakePostgrest.start(postgres);
    if (store === "upstash") redis = await startRedis();
    await serve(K1);
  });
  after(async () => {
    await worker?.stop();
    await redis?.stop();
    await rest?.stop();
    await postgres?.stop();
    removeFolder(folder);
  });

  const history = async (/** @type {string} */ id) => ok(await api.get(`/chat/history/${id}`)).history;
  const kept = () => postgres.sql("SELECT coalesce(json_agg(t), '[]') FROM conversation_messages t");
  /** Lets the interval pass, and the cron ring. */
  const sync = async () => {
    await new Promise((resume) => setTimeout(resume, 1100));
    await worker.tick();
  };

  test("hold nothing that can be read, and come back whole, after a rotation too", async () => {
    const id = "sealed";
    const pair = { question: "marker-question", answer: "marker-answer", sources: ["marker-source", "marker-other"] };
    ok(await api.send("POST", `/chat/history/${id}`, pair));
    await sync();
    const rows = JSON.parse(await kept());
    assert.equal(rows.length, 1);
    assert.doesNotMatch(await kept(), /marker-/);
    for (const text of [rows[0].question, rows[0].answer, ...rows[0].sources])
      assert.ok(text.startsWith("\u0001k1."), text);
    await serve(`${K2},${K1}`);
    if (redis) await redis.cli("FLUSHALL");
    else
      await eventually(
        () => api.get(`/v1/sessions/${id}`),
        (answer) => answer.status === 404,
      );
    const [restored] = await history(id);
    assert.deepEqual([restored.question, restored.answer, restored.sources], Object.values(pair));
    ok(await api.send("POST", `/chat/history/${id}`, { ...pair, question: "marker-more" }));
    await sync();
    assert.doesNotMatch(await kept(), /marker-/);
    // What came back keeps its row.
    const later = JSON.parse(await kept());
    assert.equal(later.length, 2);
    assert.equal(later.filter(({ answer }) => answer.startsWith("\u0001k2.")).length, 1);

    const job = [];
    for (let cursor = ""; ; cursor = `?limit=1&cursor=${encodeURIComponent(job.at(-1).next_cursor)}`) {
      job.push(ok(await api.send("POST", `/v1/admin/reseal${cursor}`)));
      if (!job.at(-1).next_cursor) break;
    }
    // The row that is the older: a question, an answer, two sources.
    assert.equal(job.at(-1).resealed, 4);
    for (const row of JSON.parse(await kept())) {
      for (const text of [row.question, row.answer, ...row.sources]) assert.ok(text.startsWith("\u0001k2."), text);
    }
    await serve(K2);
    if (redis) await redis.cli("FLUSHALL");
    else
      await eventually(
        () => api.get(`/v1/sessions/${id}`),
        (answer) => answer.status === 404,
      );
    assert.deepEqual(
      (await history(id)).map(({ question }) => question),
      ["marker-question", "marker-more"],
    );
  });
});

onRedis("a session that moves to a Redis which has another of its id", () => {
  test("is sealed for the id that it gets, and stays readable", async () => {
    const folder = temporaryFolder("moving");
    const redis = await startRedis();
    const gateway = await startGateway({ redisUrl: redis.url });
    /** @type {(keys: string, store: "vault" | "upstash", work: (api: Api) => Promise<void>) => Promise<void>} */
    const served = async (keys, store, work) => {
      const given = store === "upstash" ? { gateway } : {};
      const worker = await startWorker({ store, persistTo: folder, ...given, vars: { ENCRYPTION_KEYS: keys } });
      await work(new Api(worker.url)).finally(() => worker.stop());
    };
    try {
      const fill = (/** @type {string} */ name) => async (/** @type {Api} */ api) => {
        await api.say(`marker-${name}`, { session_id: "same" });
        ok(
          await api.send("PATCH", "/v1/sessions/same", {
            title: `marker-title-${name}`,
            metadata: { of: `marker-${name}` },
          }),
        );
        ok(await api.send("PUT", "/v1/sessions/same/state", { of: `marker-${name}` }));
      };
      await served(K1, "vault", fill("vault"));
      const elsewhere = await startWorker({ store: "upstash", gateway, vars: { ENCRYPTION_KEYS: K1 } });
      await fill("redis")(new Api(elsewhere.url)).finally(() => elsewhere.stop());
      await served(`${K2},${K1}`, "upstash", async (api) => {
        for (const [id, name] of [
          ["same", "redis"],
          ["same.moved", "vault"],
        ]) {
          assert.equal((await api.texts(id))[0], `marker-${name}`);
          const info = ok(await api.info(id));
          assert.deepEqual([info.title, info.metadata], [`marker-title-${name}`, { of: `marker-${name}` }]);
          assert.deepEqual(ok(await api.get(`/v1/sessions/${id}/state`)), { of: `marker-${name}` });
        }
        assert.match((await api.say("Going on", { session_id: "same.moved", existing: true })).response, /Going on/);
      });
      assert.deepEqual(await placesWith("marker-", folder, redis), []);
    } finally {
      await gateway.stop();
      await redis.stop();
      removeFolder(folder);
    }
  });
});
