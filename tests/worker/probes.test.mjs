// Probes of an orchestrator: whether the process answers, and whether turns can be accepted.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Api, eventually, ok } from "../harness/api.mjs";
import { EventStream } from "../harness/events.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { FakeModelApi } from "../harness/model-api.mjs";
import { startRedis } from "../harness/redis.mjs";
import { onEachStore, onRedis } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

/**
 * What the three say.
 * @param {Api} api
 */
async function probe(api) {
  const [live, ready, health] = [await api.get("/live"), await api.get("/ready"), await api.get("/health")];
  return { live: live.status, ready: ready.status, health: health.status, cause: ready.body.cause };
}

onEachStore("probes", {}, (the) => {
  test("a process that answers is live, and ready for turns", async () => {
    assert.deepEqual(ok(await the.api.get("/live")), { status: "live" });
    assert.deepEqual(ok(await the.api.get("/ready")), { status: "ready" });
    for (const path of ["/live", "/ready"]) {
      assert.equal((await the.api.send("HEAD", path)).status, 200);
      assert.equal((await the.api.send("POST", path)).status, 405);
    }
  });
});

onRedis("probes of a Worker whose store is unwell", () => {
  test("in an outage it is ready, because the journal takes turns", async () => {
    const worker = await startWorker({ store: "upstash" });
    const api = new Api(worker.url);
    try {
      await worker.gateway?.kill();
      await eventually(
        () => probe(api),
        ({ health }) => health === 503,
      );
      assert.deepEqual(await probe(api), { live: 200, ready: 200, health: 503, cause: undefined });
      assert.equal(ok(await api.chat({ message: "Hello" })).degraded, true);
    } finally {
      await worker.stop();
    }
  });

  test("a store that refuses this Worker makes it not ready, and leaves it live", async () => {
    const redis = await startRedis();
    const gateway = await startGateway({ redisUrl: redis.url });
    const worker = await startWorker({ store: "upstash", gateway: { ...gateway, token: "wrong" } });
    try {
      const expected = { live: 200, ready: 503, health: 503, cause: "unauthorized" };
      assert.deepEqual(await probe(new Api(worker.url)), expected);
    } finally {
      await worker.stop();
      await gateway.stop();
      await redis.stop();
    }
  });
});

test("a configuration that can't be used makes it not ready, and leaves it live", async () => {
  const worker = await startWorker({ store: "vault", vars: { SESSION_TTL_SECONDS: "never", LOG_LEVEL: "loud" } });
  try {
    const { cause, ...statuses } = await probe(new Api(worker.url));
    assert.deepEqual(statuses, { live: 200, ready: 503, health: 503 });
    assert.match(cause, /must|needs|not/);
  } finally {
    await worker.stop();
  }
});

test("the error that ends a stream has the id of its request", async () => {
  const model = await FakeModelApi.start();
  const vars = { RESPONDER: "openai", OPENAI_BASE_URL: model.url };
  const worker = await startWorker({ store: "vault", vars });
  try {
    for (const turn of [{ session_id: "s" }, { incognito: true }]) {
      model.fail(500);
      const stream = await EventStream.open(`${worker.url}/v1/chat`, {
        json: { message: "Hello", stream: true, ...turn },
      });
      if (stream.status === 200) {
        const last = (await stream.all()).at(-1);
        assert.equal(last.name, "error");
        assert.match(last.data.request_id, /^[0-9a-f]{16}$/);
      } else assert.match(stream.headers.get("x-request-id") ?? "", /^[0-9a-f]{16}$/);
    }
  } finally {
    await worker.stop();
    await model.stop();
  }
});
