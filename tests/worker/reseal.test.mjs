// Sealing anew what an old key sealed, so that it can be taken out: in parts, interrupted, while sessions are used.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { Api, assertProblem, eventually, ok } from "../harness/api.mjs";
import { placesWith } from "../harness/at-rest.mjs";
import { removeFolder, temporaryFolder } from "../harness/folders.mjs";
import { FakeModelApi } from "../harness/model-api.mjs";
import { startRedis } from "../harness/redis.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

const [K1, K2] = ["k1", "k2"].map((id) => `${id}:${randomBytes(32).toString("hex")}`);
const KEY = "reseal-key";
const ASKED = /^Summarise this part of a chat/;
const NAMESPACES = ["", "/jarvis", "/storage-guide", "/openta"];

forEachStore("resealing", (store) => {
  let [folder, model, redis, worker] = /** @type {any[]} */ ([]);
  /** @type {Record<string, any>} */
  let kept = {};

  async function serve(/** @type {string} */ keys, more = {}) {
    await worker?.stop();
    const vars = {
      API_KEYS: KEY,
      RESPONDER: "openai",
      OPENAI_BASE_URL: model.url,
      OPENAI_API_KEY: "none",
      SUMMARY: "responder",
      WINDOW_MESSAGES: "4",
      ARCHIVE_MODE: "write-through",
      RATE_LIMIT: "off",
    };
    worker = await startWorker({
      store,
      redis,
      persistTo: folder,
      vars: { ...vars, ...(keys && { ENCRYPTION_KEYS: keys }), ...more },
    });
  }
  before(async () => {
    folder = temporaryFolder("reseal");
    model = await FakeModelApi.start();
    model.answer(({ body }) => (ASKED.test(body.messages.at(-1).content) ? "in short" : "reply"));
    if (store === "upstash") redis = await startRedis();
  });
  after(async () => {
    await worker?.stop();
    await redis?.stop();
    await model?.stop();
    removeFolder(folder);
  });

  const admin = (folder = "") => new Api(worker.url + folder, { "x-api-key": KEY });
  const as = (/** @type {string} */ user, folder = "") =>
    new Api(worker.url + folder, { "x-api-key": KEY, "chatkeep-user": user });

  /** A part of the job. */
  const part = async (/** @type {string} */ folder, /** @type {string | undefined} */ cursor, query = "") => {
    const at = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
    return ok(await admin(folder).send("POST", `/v1/admin/reseal?${query}${at}`));
  };

  /** The job from a place on: its sums. */
  async function reseal(folder = "", query = "", cursor = "", each = async () => {}) {
    const sum = { seen: 0, resealed: 0, unreadable: 0, parts: 0 };
    for (let at = /** @type {string | undefined} */ (cursor); ; ) {
      const answer = await part(folder, at, query);
      for (const name of /** @type {const} */ (["seen", "resealed", "unreadable"])) sum[name] += answer[name];
      sum.parts += 1;
      if (!answer.next_cursor) return sum;
      assert.notEqual(answer.next_cursor, at, "it goes on");
      at = answer.next_cursor;
      await each();
    }
  }

  /** Everything that these users can read, but for what time changes. */
  async function everything() {
    /** @type {Record<string, any>} */
    const found = {};
    for (const folder of NAMESPACES) {
      for (const user of ["ada", "bob", "eve"]) {
        const api = as(user, folder);
        for (const { session_id } of (await api.list("?limit=200")).sessions) {
          const { expires_in_seconds, bytes, ...info } = ok(await api.info(session_id));
          const state = await api.get(`/v1/sessions/${session_id}/state`);
          const texts = await api.texts(session_id);
          found[`${folder} ${user} ${session_id}`] = { info, state: state.status === 200 && state.body, texts };
        }
      }
    }
    return found;
  }

  test("an old key can be taken out after it, however often it breaks off", async () => {
    await serve("");
    await as("ada").say("never sealed", { session_id: "plain" });
    await serve(K1);
    for (const user of ["ada", "bob"]) {
      const api = as(user);
      await api.say(`hello of ${user}`, { session_id: "one", message_id: "m1", metadata: { of: user } });
      ok(await api.send("PATCH", "/v1/sessions/one", { title: `Plán of ${user}`, metadata: { a: user } }));
      ok(await api.send("PUT", "/v1/sessions/one/state", { of: user }));
      for (const session_id of ["two", "three"]) await api.say("Ahoj", { session_id });
    }
    // A turn archives the summary that was made after the turn before.
    for (const [text, messages] of /** @type {const} */ ([
      ["More", 2],
      ["Even more", 4],
    ])) {
      await as("ada").say(text, { session_id: "one" });
      await eventually(
        async () => ok(await as("ada").info("one")).summary,
        (summary) => summary?.messages === messages,
      );
    }
    for (let page = 0; page < 3; page += 1) {
      const messages = Array.from({ length: 90 }, (_, at) => ({ role: "user", content: `${page} ${at} ž` }));
      ok(await as("eve").send("POST", "/v1/sessions/long/messages", { messages }));
    }
    for (const folder of NAMESPACES.slice(1)) await as("bob", folder).say("In a dialect", { session_id: "other" });
    kept = await everything();
    assert.equal(Object.keys(kept).length, 11);

    await serve(`${K2},${K1}`);
    let cursor;
    for (let time = 0; time < 3; time += 1) ({ next_cursor: cursor } = await part("", cursor, "limit=3"));
    await worker.kill();
    await worker.restart();
    const rest = await reseal("", "limit=3", cursor);
    assert.ok(rest.parts > 5 && rest.resealed > 270, JSON.stringify(rest));
    assert.equal(rest.unreadable, 0);
    for (const folder of NAMESPACES.slice(1)) assert.ok((await reseal(folder)).resealed >= 3);
    // Once more: all is seen, and nothing is left to do. Two titles, two metadata, a state each, a summary, and what is archived.
    const again = await reseal("");
    assert.deepEqual([again.resealed, again.unreadable], [0, 0]);
    assert.ok(again.seen > 2 * 270, JSON.stringify(again));
    if (redis) {
      for (const mark of ["never sealed", "\u0001k1."]) {
        assert.ok(!(await placesWith(mark, folder, redis)).includes("Redis"), mark);
      }
    }

    await serve(K2, { ENCRYPTION_STRICT: "on" });
    assert.deepEqual(await everything(), kept);
    const gone = await reseal("");
    assert.deepEqual([gone.resealed, gone.unreadable, gone.seen], [0, 0, again.seen]);
  });

  if (store === "upstash") {
    test("what only the archive has is sealed anew too", async () => {
      await redis.cli("FLUSHALL");
      const K3 = `k3:${randomBytes(32).toString("hex")}`;
      await serve(`${K3},${K2}`);
      assert.ok((await reseal("", "limit=1")).resealed > 270);
      assert.equal((await reseal("")).resealed, 0);
      await serve(K3);
      assert.deepEqual(await as("ada").texts("plain"), ["never sealed", "reply"]);
      assert.equal((await as("eve").texts("long")).length, 270);
      assert.equal((await as("ada").texts("one"))[0], "hello of ada");
      const one = ok(await as("ada").info("one"));
      assert.deepEqual([one.title, one.metadata, one.summary.messages], ["Plán of ada", { a: "ada" }, 2]);
      assert.deepEqual(ok(await as("ada").get("/v1/sessions/one/state")), { of: "ada" });
      await serve(`${K2},${K3}`);
      await reseal("");
    });

    test("what can't be read is counted, and stays", async () => {
      const field = ["chatkeep:{u-eve}:s:long", "m:3"];
      const genuine = await redis.cli("HGET", ...field);
      const forged = genuine.replace(/.{4}$/, "AAAA");
      await redis.cli("HSET", field[0], field[1], forged);
      const found = await reseal("");
      assert.deepEqual([found.resealed, found.unreadable], [0, 1]);
      assert.equal(await redis.cli("HGET", ...field), forged);
      assert.equal(ok(await admin().get("/health")).status, "healthy", "the job alone has met it");
      await redis.cli("HSET", field[0], field[1], genuine);
    });
  }

  test("sessions are used meanwhile, and nothing newer is lost", async () => {
    await serve(`${K1},${K2}`);
    let running = true;
    const users = ["ada", "bob"];
    /** @type {Record<string, string[]>} */
    const said = Object.fromEntries(users.map((user) => [user, []]));
    const talk = async (/** @type {string} */ user) => {
      const api = as(user);
      for (let turn = 0; running; turn += 1) {
        const text = `turn ${turn} of ${user}`;
        const { session } = await api.say(text, { session_id: "two", existing: true });
        said[user].push(text);
        const [title, metadata] = [`Title ${turn}`, { turn }];
        ok(await api.send("PATCH", "/v1/sessions/two", { title, metadata }));
        ok(await api.send("PUT", "/v1/sessions/two/state", { turn }));
        const info = ok(await api.info("two"));
        assert.deepEqual([info.title, info.metadata], [title, metadata]);
        assert.deepEqual(ok(await api.get("/v1/sessions/two/state")), { turn });
        assert.ok(info.revision > session.revision);
      }
    };
    const job = async () => {
      for (let parts = 0; parts < 30 || said.ada.length < 5; ) parts += (await reseal("", "limit=20")).parts;
    };
    const talking = users.map(talk);
    await job().finally(() => (running = false));
    await Promise.all(talking);
    for (const folder of NAMESPACES) assert.equal((await reseal(folder)).unreadable, 0);
    await serve(K1);
    for (const user of users) {
      const texts = (await as(user).texts("two")).filter((text) => text.startsWith("turn"));
      assert.deepEqual(texts, said[user]);
    }
    const now = await everything();
    for (const [name, was] of Object.entries(kept)) {
      if (!name.endsWith(" two") && store === "vault") assert.deepEqual(now[name], was, name);
    }
  });

  test("off in the first place opens everything", async () => {
    await serve(`off,${K1}`);
    for (const folder of NAMESPACES) assert.equal((await reseal(folder)).unreadable, 0);
    assert.equal((await reseal("")).resealed, 0);
    await serve("");
    assert.deepEqual((await as("eve").texts("long")).length, 270);
    assert.equal((await as("ada").texts("one"))[0], "hello of ada");
    assert.equal(ok(await as("ada").info("one")).title, "Plán of ada");
    assert.equal((await reseal("")).unreadable, 0);
  });

  test("one owner's can be sealed alone, and a cursor is one that an answer gave", async () => {
    await serve(K2);
    const mine = await reseal("", "owner=u-eve");
    assert.ok(mine.seen >= 270 && mine.seen === mine.resealed, JSON.stringify(mine));
    assert.ok((await reseal("")).resealed > 0);
    for (const query of ["cursor=x", "cursor=archived", "owner=a}b", "limit=0"]) {
      assertProblem(await admin().send("POST", `/v1/admin/reseal?${query}`), 400, "invalid_parameter");
    }
  });
});
