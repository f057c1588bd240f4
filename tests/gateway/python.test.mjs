// The published Python client, upstash-redis, against the gateway: each check of upstash_client.py is a test.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { ROOT } from "../harness/folders.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { startRedis } from "../harness/redis.mjs";

test("the Python client", async (t) => {
  const python = join(ROOT, "target/python/bin/python");
  if (!existsSync(python)) throw new Error(`${python} is missing: run scripts/setup-python`);
  const redis = await startRedis();
  t.after(() => redis.stop());
  const gateway = await startGateway({ redisUrl: redis.url });
  t.after(() => gateway.stop());

  const env = { GATEWAY_URL: gateway.url, GATEWAY_TOKEN: gateway.token, PYTHONDONTWRITEBYTECODE: "1" };
  const program = join(import.meta.dirname, "upstash_client.py");
  const { stdout } = await promisify(execFile)(python, ["-I", "-X", "utf8", program], { env, timeout: 120_000 });
  const checks = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.ok(checks.length >= 15, stdout);
  for (const { name, problem } of checks) await t.test(name, () => assert.equal(problem, null));
});
