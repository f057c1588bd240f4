// The documents' rows about a Redis that is away, full, or new, where a real one can be: A11, C12, D7; and E12, what is logged.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Api, eventually, ok } from "../harness/api.mjs";
import { removeFolder, temporaryFolder } from "../harness/folders.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { startRedis } from "../harness/redis.mjs";
import { forEachStore, onRedis } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";
import { TEXTS } from "./dialect.mjs";

onRedis("a Redis that comes and goes", () => {
  test("A11 fallback: without Redis it warns and serves, and nothing of it is lost", async () => {
    const redis = await startRedis();
    const worker = await startWorker({ store: "upstash", redis });
    try {
      const jarvis = new Api(`${worker.url}/jarvis`);
      const say = async (message, session_id) => ok(await jarvis.send("POST", "/api/chat", { message, session_id }));
      const { session_id } = await say("Jmenuji se Ada");
      await redis.kill();
      await eventually(
        async () => (await jarvis.get("/health")).body.redis,
        (state) => state === "disconnected",
      );
      assert.match((await say(TEXTS[0], session_id)).response, /Jmenuji se Ada/, "it still remembers");
      const { session_id: fresh } = await say("Nová");
      await eventually(worker.logs, (logs) => /"event_type":"store_failing"/.test(logs) && /"level":"warn"/.test(logs));

      await redis.restart();
      await eventually(
        async () => {
          await say("Zpátky?", fresh);
          return ok(await jarvis.get(`/api/sessions/${fresh}`)).message_count;
        },
        (count) => count >= 4,
      );
      await eventually(
        () => redis.cli("EXISTS", `jarvis:session:{app}:s:${session_id}`, `jarvis:session:{app}:s:${fresh}`),
        (there) => there === "2",
      );
      const { history } = ok(await jarvis.get(`/api/sessions/${session_id}/history`));
      assert.equal(history.filter(({ content }) => content === TEXTS[0]).length, 1, "once");
    } finally {
      await worker.stop();
      await redis.stop();
    }
  });

  test("C12 limits met: reads and deletes go on, writes are journaled, health names the cause, an evicted list comes back", async () => {
    const redis = await startRedis();
    const worker = await startWorker({ store: "upstash", redis });
    try {
      const guide = new Api(`${worker.url}/storage-guide`);
      const path = "/api/chat/sessions";
      const create = async () => ok(await guide.send("POST", `${path}?user_id=user123`)).session_id;
      const say = async (id, message) => ok(await guide.send("POST", `${path}/${id}/messages`, { message }));
      const [read, written, gone] = [await create(), await create(), await create()];
      for (const id of [read, written, gone]) await say(id, TEXTS[1]);

      await redis.cli("CONFIG", "SET", "maxmemory", "1");
      assert.equal(ok(await guide.get(`${path}/${read}/history`)).messages[0].content, TEXTS[1]);
      ok(await guide.send("DELETE", `${path}/${gone}`));
      await say(written, "While it was full");
      await eventually(
        async () => (await guide.get("/health")).body.cause,
        (cause) => cause === "out_of_memory",
      );
      await redis.cli("CONFIG", "SET", "maxmemory", "0");
      const kept = async () => (await redis.cli("HVALS", `session:{app}:s:${written}`)).split("While it was full");
      await eventually(kept, (parts) => parts.length > 2);
      assert.equal((await kept()).length - 1, 2, "the message, and the echo's reply, once each");

      await redis.cli("CONFIG", "SET", "maxmemory-policy", "volatile-ttl");
      await redis.cli("DEL", "session:{app}:index", "session:{app}:cards");
      assert.equal(ok(await guide.get(`${path}?user_id=user123`)).total, 0);
      ok(await guide.send("POST", "/v1/admin/rebuild"));
      const { sessions } = ok(await guide.get(`${path}?user_id=user123`));
      assert.deepEqual(sessions.map(({ session_id }) => session_id).sort(), [read, written].sort());
    } finally {
      await worker.stop();
      await redis.stop();
    }
  });

  test("D7 migration: an agent's sessions move to a Redis that comes later, by one command that can break off", async () => {
    const folder = temporaryFolder("migration");
    const redis = await startRedis();
    const gateway = await startGateway({ redisUrl: redis.url, faults: true });
    try {
      const states = {
        "user-123": { state: "asking", current_attempt: 2 },
        default: { state: "idle", current_attempt: 0 },
      };
      const memory = await startWorker({ store: "vault", persistTo: folder });
      const before = new Api(memory.url);
      for (const [id, state] of Object.entries(states)) ok(await before.send("PUT", `/v1/sessions/${id}/state`, state));
      await eventually(
        async () => ok(await before.get("/v1/admin/owners")).owners.length,
        (owners) => owners === 1,
      );
      await memory.stop();

      const later = await startWorker({ store: "upstash", gateway, persistTo: folder });
      try {
        const api = new Api(later.url);
        await gateway.order({ fault: "server_error", count: 3 });
        await api.send("POST", "/v1/admin/move");
        await gateway.order();
        await eventually(
          async () => (await api.send("POST", "/v1/admin/move")).body.left,
          (left) => left === 0,
        );
        for (const [id, state] of Object.entries(states)) {
          assert.deepEqual(ok(await api.get(`/v1/sessions/${id}/state`)), state);
        }
        assert.equal(await redis.cli("EXISTS", ...Object.keys(states).map((id) => `chatkeep:{app}:s:${id}`)), "2");
      } finally {
        await later.stop();
      }
    } finally {
      await gateway.stop();
      await redis.stop();
      removeFolder(folder);
    }
  });
});

forEachStore("what OpenTA's document wants to see", (store) => {
  test("E12 debug: the level by configuration; created, history read, message added with totals", async () => {
    const ask = async (LOG_LEVEL) => {
      const worker = await startWorker({ store, vars: { LOG_LEVEL } });
      try {
        const openta = new Api(`${worker.url}/openta`);
        ok(await openta.send("POST", "/v1/sessions", { session_id: "debugged" }));
        for (const query of ["Apa?", "Lagi?"]) {
          ok(await openta.send("POST", "/chat/basic", { query, meta_params: { conversation_id: "debugged" } }));
        }
        ok(await openta.get("/chat/history/debugged"));
        if (LOG_LEVEL === "info") await eventually(worker.logs, (logs) => logs.includes("history_read"));
        return worker.logs();
      } finally {
        await worker.stop();
      }
    };
    const lines = (await ask("info")).split("\n").filter((line) => line.includes('"session_id":"debugged"'));
    const seen = lines.map((line) => JSON.parse(line.slice(line.indexOf("{"), line.lastIndexOf("}") + 1)));
    assert.deepEqual(
      seen.map(({ event_type, messages }) => [event_type, messages]),
      [
        ["session_created", undefined],
        ["message_added", 2],
        ["message_added", 4],
        ["history_read", undefined],
      ],
    );
    assert.ok(!(await ask("error")).includes('"session_id":"debugged"'));
  });
});
