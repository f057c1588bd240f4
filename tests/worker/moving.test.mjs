// Moving house: sessions of the vault go to a Redis that is configured later. Nothing is lost or doubled, however often it breaks off.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { Api, assertProblem, ok } from "../harness/api.mjs";
import { ROOT, removeFolder, temporaryFolder } from "../harness/folders.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { startRedis } from "../harness/redis.mjs";
import { STORES } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

const run = promisify(execFile);

/** Everything that a client can see of the sessions, but for what counts the store's own writes. */
async function everything(api) {
  const sessions = [];
  for (const { session_id } of (await api.list("?limit=200")).sessions) {
    const { expires_in_seconds, revision, ...info } = ok(await api.info(session_id));
    const state = await api.get(`/v1/sessions/${session_id}/state`);
    sessions.push({ info, state: state.status === 200 ? state.body : null, texts: await api.texts(session_id) });
  }
  return sessions;
}

async function fill(api) {
  for (let number = 0; number < 5; number++) {
    const messages = Array.from({ length: 90 }, (_, at) => ({ role: "user", content: `${number} ${at} ž` }));
    ok(await api.send("POST", "/v1/sessions/long/messages", { messages }));
  }
  await api.say("Ahoj", { session_id: "short" });
  ok(await api.send("PATCH", "/v1/sessions/short", { title: "Plán", pinned: true, metadata: { a: 1 } }));
  ok(await api.send("PUT", "/v1/sessions/short/state", { step: 3 }));
  ok(await api.send("POST", "/v1/sessions", { session_id: "empty", title: "Prázdná" }));
}

if (STORES.includes("upstash")) {
  describe("a Redis that is configured later", { concurrency: false }, () => {
    let folder;
    let redis;
    let gateway;
    let kept;
    before(async () => {
      folder = temporaryFolder("moving");
      redis = await startRedis();
      gateway = await startGateway({ redisUrl: redis.url, faults: true });
    });
    after(async () => {
      await gateway?.stop();
      await redis?.stop();
      removeFolder(folder);
    });

    /** Runs something with a Worker on the state that the last one left. */
    async function served(store, run) {
      const worker = await startWorker({ store, persistTo: folder, ...(store === "upstash" && { gateway }) });
      try {
        await run(new Api(worker.url));
      } finally {
        await worker.stop();
      }
    }

    test("gets each owner's sessions with the owner's first request", async () => {
      await served("vault", async (api) => {
        await fill(api);
        kept = await everything(api);
        assert.equal(kept.length, 3);
      });
      await served("upstash", async (api) => {
        // It breaks off in the middle; what is not there yet does not seem to be gone.
        await gateway.order({ fault: "drop_request", skip: 2, count: 10_000 });
        assertProblem(await api.info("long"), 503, "store_unavailable");
        await gateway.clear();
      });
      await served("upstash", async (api) => {
        const answer = await api.chat({ message: "Going on", session_id: "short", existing: true });
        assert.match(ok(answer).response, /Ahoj/);
        const moved = await everything(api);
        const short = moved.find(({ info }) => info.session_id === "short");
        assert.deepEqual(short.texts.slice(0, 2), kept.find(({ info }) => info.session_id === "short").texts);
        assert.deepEqual([short.info.title, short.info.pinned, short.state], ["Plán", true, { step: 3 }]);
        const others = (sessions) => sessions.filter(({ info }) => info.session_id !== "short");
        assert.deepEqual(others(moved), others(kept));
        assert.equal(await redis.cli("EXISTS", "chatkeep:{app}:s:long"), "1");
      });
      // Nothing is left in the vault.
      await served("vault", async (api) => assert.equal((await api.list()).count, 0));
    });

    test("gets all of them by one command", async () => {
      await redis.cli("FLUSHALL");
      await served("vault", fill);
      await served("upstash", async (api) => {
        // The dialects' namespaces have vaults of their own.
        const first = ok(await api.send("POST", "/v1/admin/move?limit=1"));
        assert.deepEqual(first, { owners: 1, sessions: 3, left: 0 });
        assert.deepEqual(ok(await api.send("POST", "/v1/admin/move")), { owners: 0, sessions: 0, left: 0 });
        assert.equal((await api.list()).count, 3);
      });
      await served("vault", async (api) => {
        assert.deepEqual(ok(await api.send("POST", "/v1/admin/move")), { owners: 0, sessions: 0, left: 0 });
      });
    });

    test("gets all of them by the script, which can be run again", async () => {
      await redis.cli("FLUSHALL");
      await served("vault", fill);
      const move = async (api) => {
        const { stdout } = await run(process.execPath, [join(ROOT, "scripts/move-to-redis"), "--url", api.url]);
        return stdout;
      };
      await served("upstash", async (api) => {
        assert.equal(await move(api), "1 owners moved, 3 sessions\n");
        assert.equal(await move(api), "0 owners moved, 0 sessions\n");
        assert.equal((await api.list()).count, 3);
      });
    });

    test("keeps both where it has another session of that id", async () => {
      await redis.cli("FLUSHALL");
      await served("vault", async (api) => void (await api.say("In the vault", { session_id: "same" })));
      const elsewhere = await startWorker({ store: "upstash", gateway });
      await new Api(elsewhere.url).say("In Redis", { session_id: "same" });
      await elsewhere.stop();
      for (let time = 0; time < 2; time += 1) {
        await served("upstash", async (api) => {
          const { sessions } = await api.list();
          assert.deepEqual(sessions.map(({ session_id }) => session_id).sort(), ["same", "same.moved"]);
          assert.equal((await api.texts("same"))[0], "In Redis");
          assert.equal((await api.texts("same.moved"))[0], "In the vault");
        });
      }
    });
  });
}
