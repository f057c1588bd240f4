// Two clients append a thousand messages each to one session at the same time: all are stored, once, in one order.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Api, ok } from "../harness/api.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { startRedis } from "../harness/redis.mjs";
import { startWorker } from "../harness/worker.mjs";

const EACH = 1000;
const IN_FLIGHT = 8;
const VARS = { MAX_MESSAGES_PER_SESSION: "5000" };

/**
 * Appends a client's messages, one a request, some requests in flight. One that gets no answer is repeated as it was.
 * @param {Api} api
 * @param {string} client
 */
async function append(api, client) {
  let next = 0;
  const worker = async () => {
    while (next < EACH) {
      const id = `${client}-${next++}`;
      for (;;) {
        const messages = [{ id, role: "user", content: `from ${client}` }];
        const answer = await api.send("POST", "/v1/sessions/shared/messages", { messages });
        if (!answer.body.retryable) {
          ok(answer);
          break;
        }
      }
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

/** @param {Api} api the ids of all messages, oldest first, read in pages */
async function all(api) {
  const ids = [];
  for (let before = ""; ; ) {
    const page = await api.history("shared", `?limit=500${before && `&before=${before}`}`);
    ids.unshift(...page.messages.map((message) => message.id));
    if (!page.next_before) return { ids, page };
    before = page.next_before;
  }
}

/** @param {Api[]} apis what each client talks to */
async function check(apis) {
  await Promise.all(apis.map((api, number) => append(api, `client${number}`)));
  const seen = await Promise.all(apis.map(all));
  for (const { ids, page } of seen) {
    assert.equal(page.total_messages, 2 * EACH);
    assert.equal(page.message_count, 2 * EACH);
    assert.equal(new Set(ids).size, 2 * EACH);
    assert.deepEqual(ids, seen[0].ids);
  }
}

describe("two workerd processes, each with Durable Objects of its own, on one Redis", () => {
  let redis;
  let gateway;
  let workers = [];
  before(async () => {
    redis = await startRedis();
    gateway = await startGateway({ redisUrl: redis.url });
    workers = await Promise.all([1, 2].map(() => startWorker({ store: "upstash", gateway, vars: VARS })));
  });
  after(async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    await gateway?.stop();
    await redis?.stop();
  });

  test("store every message once, and both see one order", async () => {
    await check(workers.map((worker) => new Api(worker.url)));
    const fields = (await redis.cli("HKEYS", "chatkeep:{app}:s:shared")).split("\n");
    const positions = fields.filter((name) => name.startsWith("m:")).map((name) => Number(name.slice(2)));
    assert.deepEqual(
      positions.sort((one, other) => one - other),
      Array.from({ length: 2 * EACH }, (_, position) => position),
    );
  });
});

describe("the vault", () => {
  let worker;
  before(async () => {
    worker = await startWorker({ store: "vault", vars: VARS });
  });
  after(() => worker?.stop());

  test("stores every message once", () => check([new Api(worker.url), new Api(worker.url)]));
});
