// Everything on a Redis Cluster: an owner's keys share a slot, and slots move while people chat.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Api, assertProblem, eventually, ok } from "../harness/api.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { startRedisCluster } from "../harness/redis.mjs";
import { STORES } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

if (STORES.includes("upstash")) {
  const INDEX = "chatkeep:{app}:index";
  let cluster;
  let gateway;
  let worker;
  let api;
  before(async () => {
    cluster = await startRedisCluster();
    gateway = await startGateway({ redisUrl: cluster.url });
    worker = await startWorker({ store: "upstash", gateway });
    api = new Api(worker.url);
  });
  after(async () => {
    await worker?.stop();
    await gateway?.stop();
    await cluster?.stop();
  });

  test("a session lives its whole life on a cluster", async () => {
    const first = await api.say("Ahoj", { session_id: "a", message_id: "m1" });
    await api.say("Xin chào", { session_id: "a", message_id: "m2" });
    assert.equal(ok(await api.chat({ message: "Ahoj", session_id: "a", message_id: "m1" })).replayed, true);
    assert.equal(first.session.message_count, 2);
    ok(await api.send("PATCH", "/v1/sessions/a", { title: "Plán", pinned: true }));
    ok(await api.send("PUT", "/v1/sessions/a/state", { n: 1 }));
    const fork = ok(await api.send("POST", "/v1/sessions/a/fork", { at: "r-m1", session_id: "b" }));
    assert.equal(fork.message_count, 2);
    ok(await api.send("POST", "/v1/sessions/b/truncate", { after: "m1" }));
    assert.deepEqual(await api.texts("b"), ["Ahoj"]);
    ok(await api.delete("b"));
    assertProblem(await api.info("b"), 404, "session_not_found");
    ok(await api.send("POST", "/v1/sessions/b/restore"));
    const { sessions, count } = await api.list("?fields=n");
    assert.deepEqual(
      [count, sessions.map(({ session_id, state }) => [session_id, state])],
      [
        2,
        [
          ["b", { n: 1 }],
          ["a", { n: 1 }],
        ],
      ],
    );
    const found = (await api.list("?q=plán")).sessions.map(({ session_id }) => session_id);
    assert.deepEqual(found.sort(), ["a", "b"]);
  });

  test("all of it is on one server, and the directory finds its owner", async () => {
    const server = await cluster.serverOf(INDEX);
    const keys = (await server.cli("--scan", "--pattern", "chatkeep:{app}:*")).split("\n").sort();
    assert.deepEqual(keys, ["chatkeep:{app}:cards", INDEX, "chatkeep:{app}:s:a", "chatkeep:{app}:s:b"]);
    for (const other of cluster.servers) {
      if (other !== server) assert.equal(await other.cli("--scan", "--pattern", "chatkeep:{app}:*"), "");
    }
    await eventually(
      async () => ok(await api.get("/v1/admin/owners")).owners.map(({ owner }) => owner),
      (owners) => owners.length === 1 && owners[0] === "app",
    );
  });

  test("a list that was evicted is rebuilt from the server that has the sessions", async () => {
    const server = await cluster.serverOf(INDEX);
    await server.cli("DEL", INDEX, "chatkeep:{app}:cards");
    assert.equal((await api.list()).count, 0);
    assert.deepEqual(ok(await api.send("POST", "/v1/admin/rebuild")), { sessions: 2 });
    assert.equal((await api.list()).count, 2);
  });

  test("no turn is lost or doubled while its slot moves from server to server", async () => {
    let moving = true;
    const chat = async (session_id) => {
      const said = [];
      while (moving || said.length < 10) {
        const message = `${session_id} ${said.length}`;
        const turn = { message, session_id, message_id: `m${said.length}` };
        // A script that finds some of its keys on either side waits for the rest, for a while.
        await eventually(
          () => api.chat(turn),
          ({ status }) => status === 200,
        );
        said.push(message);
      }
      return said;
    };
    const chats = ["x", "y"].map(chat);
    for (let move = 0; move < 3; move += 1) await cluster.moveSlotOf(INDEX);
    moving = false;
    for (const [at, said] of (await Promise.all(chats)).entries()) {
      const { messages } = await api.history(["x", "y"][at], "?limit=500");
      const asked = messages.filter(({ role }) => role === "user").map(({ content }) => content);
      assert.deepEqual(asked, said);
      assert.equal(messages.length, 2 * said.length);
    }
  });

  test("everything is exported, imported without effect, and deleted", async () => {
    const { text } = await api.get("/v1/export");
    const sessions = text.split("\n").filter((line) => line.startsWith('{"session":')).length;
    assert.equal(sessions, 4);
    const before_it = await api.texts("a");
    const imported = ok(await api.send("POST", "/v1/import", text));
    assert.deepEqual([imported.sessions, imported.skipped], [4, []]);
    assert.deepEqual(await api.texts("a"), before_it);
    assert.deepEqual(ok(await api.send("DELETE", "/v1/sessions")), { deleted: 4 });
    assert.equal((await api.list()).count, 0);
  });
}
