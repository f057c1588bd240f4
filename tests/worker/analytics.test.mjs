// Data points for Workers Analytics Engine. Local workerd keeps none, so that a fake dataset takes them, by the same call: a Worker
// beside ours, which writes into the log what it gets.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Api, eventually, ok } from "../harness/api.mjs";
import { temporaryFolder } from "../harness/folders.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

const FAKE_DATASET = `
import { WorkerEntrypoint } from "cloudflare:workers";
export class FakeDataset extends WorkerEntrypoint {
  writeDataPoint(point) {
    console.log("DATA POINT " + JSON.stringify(point));
  }
}
export default { fetch: () => new Response() };`;

/** The configuration of the fake's Worker. */
function fakeDataset() {
  const folder = temporaryFolder("dataset");
  writeFileSync(join(folder, "index.js"), FAKE_DATASET);
  const config = join(folder, "wrangler.toml");
  writeFileSync(config, 'name = "fake-dataset"\nmain = "index.js"\ncompatibility_date = "2026-10-15"\n');
  return config;
}

const BINDING = '[[services]]\nbinding = "ANALYTICS"\nservice = "fake-dataset"\nentrypoint = "FakeDataset"\n';

forEachStore("data points", (store) => {
  let worker;
  /** @type {Api} */
  let api;
  before(async () => {
    worker = await startWorker({ store, beside: fakeDataset(), bindings: BINDING, vars: { LOG_LEVEL: "off" } });
    api = new Api(worker.url);
  });
  after(() => worker?.stop());

  const points = () => [...worker.logs().matchAll(/DATA POINT (\{.*\})/g)].map((match) => JSON.parse(match[1]));
  /** The points of a route, when there are so many. */
  const of = (route, count) =>
    eventually(
      () => points().filter(({ blobs }) => blobs[0] === route),
      (found) => found.length >= count,
    );

  test("each request writes one, without texts or names, whatever the log's level", async () => {
    ok(await api.chat({ message: "Marker-message", session_id: "Marker-session" }));
    ok(await api.chat({ message: "Marker-message", session_id: "Marker-session" }));
    assert.equal((await api.chat({ message: "" })).status, 400);
    const [first, second, refused] = await of("POST /v1/chat", 3);
    assert.deepEqual(first.blobs, ["POST /v1/chat", "2xx", store, "message_added", ""]);
    assert.deepEqual(refused.blobs, ["POST /v1/chat", "4xx", store, "refused", "message_empty"]);
    assert.deepEqual(first.indexes, second.indexes);
    assert.match(first.indexes[0], /^[0-9a-f]{16}$/);
    const [duration, inStore, , messages] = second.doubles;
    assert.ok(duration >= inStore && messages === 4, JSON.stringify(second));
    assert.equal(
      points().length,
      (await of("POST /v1/chat", 3)).length + points().filter(({ blobs }) => blobs[0] === "GET /health").length,
    );
    assert.ok(!JSON.stringify(points()).includes("Marker"));
  });

  test("whoever is not let in, and what has no route, is one too", async () => {
    assert.equal((await api.get("/v1/nowhere")).status, 404);
    const [lost] = await of("none", 1);
    assert.deepEqual([lost.indexes, lost.blobs], [[""], ["none", "4xx", "", "refused", "route_not_found"]]);
  });
});

test("the platform's own binding is taken, and without one there are none", async () => {
  for (const bindings of ['[[analytics_engine_datasets]]\nbinding = "ANALYTICS"\ndataset = "chatkeep"\n', ""]) {
    const worker = await startWorker({ store: "vault", bindings });
    try {
      ok(await new Api(worker.url).chat({ message: "Hello" }));
      assert.doesNotMatch(worker.logs(), /DATA POINT|TypeError|panicked/);
    } finally {
      await worker.stop();
    }
  }
});
