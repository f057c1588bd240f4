// The conformance suite of crates/testkit, scenario by scenario, through the Worker in workerd on both stores.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { ROOT } from "../harness/folders.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

const PLAYER = join(ROOT, "target/debug/conformance");
const BUILT = join(ROOT, "target/conformance-worker/index.js");

forEachStore("conformance", (store) => {
  let worker;
  before(async () => {
    worker = await startWorker({ store, built: BUILT });
  });
  after(() => worker?.stop());

  test("every scenario", async (t) => {
    const played = promisify(execFile)(PLAYER, [worker.url, ...(worker.redis ? [worker.redis.url] : [])], {
      maxBuffer: 1 << 26,
    });
    const { stdout, stderr } = await played.catch((failure) => failure);
    const scenarios = stdout.trim().split("\n");
    assert.ok(scenarios.length > 90, stdout + stderr);
    for (const line of scenarios) {
      await t.test(line.slice(5), () => assert.match(line, /^ok /, stderr.slice(0, 20_000)));
    }
  });
});
