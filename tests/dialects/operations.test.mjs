// What the operations guide tells people to do, done: docs/operations.md.
import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { Api, eventually, ok } from "../harness/api.mjs";
import { ROOT } from "../harness/folders.mjs";
import { freePort } from "../harness/ports.mjs";
import { startRedis } from "../harness/redis.mjs";
import { onEachStore, onRedis } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

const guide = readFileSync(join(ROOT, "docs/operations.md"), "utf8");
const run = (program, args, options) => promisify(execFile)(program, args, { cwd: ROOT, ...options });

test("what a million turns cost stands in the guide as it is computed from the budget", async () => {
  const { stdout } = await run("node", ["scripts/turn-cost.mjs"]);
  assert.ok(guide.includes(stdout.trim()), stdout);
});

onEachStore("an agent in Python", {}, (the) => {
  test("D9 Python: the example keeps its state over the state routes, also when it is run at once", async () => {
    const agent = (message) =>
      run("python3", ["examples/agent.py", "user-123", message], {
        env: { ...process.env, CHATKEEP_URL: the.worker.url },
      });
    const first = JSON.parse((await agent("A torneira não fecha")).stdout);
    assert.deepEqual([first.current_attempt, first.conversation_history], [1, ["A torneira não fecha"]]);
    await Promise.all(["one", "two", "three"].map(agent));
    const { body } = await the.api.get("/v1/sessions/user-123/state");
    assert.equal(body.current_attempt, 4);
    assert.deepEqual(body.conversation_history.slice(1).sort(), ["one", "three", "two"]);
  });
});

onRedis("operations on a real Redis", () => {
  test("B7 scripts: redis:start, redis:status, redis:stop", async () => {
    const port = `${await freePort()}`;
    const redis = (...words) =>
      run("node", ["scripts/redis.mjs", ...words], { env: { ...process.env, REDIS_PORT: port } });
    await assert.rejects(redis("status"), ({ stdout }) => /not running/.test(stdout));
    try {
      assert.match((await redis("start")).stdout, /running[\s\S]*volatile-ttl[\s\S]*append-only on/);
      assert.match((await redis("status")).stdout, new RegExp(`REDIS_URL=redis://localhost:${port}`));
    } finally {
      assert.match((await redis("stop")).stdout, /stopped/);
    }
  });

  test("the backup and restore drill: export, flush, import, compare: identical", async () => {
    const { stdout } = await run("node", ["scripts/backup-drill.mjs"], { timeout: 120_000 });
    assert.match(stdout, /^backup drill: \d+ lines of 4 namespaces .* identical$/m);
  });

  test("E9 demo: its menu, played to the end", async () => {
    const played = spawn("node", ["scripts/demo.mjs"], { cwd: ROOT, stdio: ["pipe", "pipe", "inherit"] });
    let said = "";
    played.stdout.setEncoding("utf8").on("data", (text) => {
      said += text;
    });
    played.stdin.end("1\n2\n3\n4\n5\nq\n");
    const code = await new Promise((resolve) => played.on("close", resolve));
    assert.equal(code, 0, said);
    const part = (title) => said.split(`--- ${title} ---`)[1]?.split("---")[0] ?? "";
    assert.match(part("memory across turns"), /you: {2}What is my name\?\nchat: .*“My name is Ada”/);
    assert.match(part("New Chat"), /first thing/);
    assert.match(part("incognito"), /stored: .*Mia/);
    assert.doesNotMatch(part("incognito").split("stored:")[1], /secret/);
    assert.match(part("a restart of the Worker and of Redis"), /\(restarted\)[\s\S]*“Remember the number 42”/);
    assert.match(
      part("Redis stopped, and back"),
      /\(Redis is back\)[\s\S]*you: {2}What did I say before\?\nchat: .*“Redis is here”/,
    );
  });

  test("C13 persistence: a snapshot keeps what was there, the append-only file every acknowledged turn", async () => {
    for (const appendonly of [false, true]) {
      const redis = await startRedis({ appendonly });
      const worker = await startWorker({ store: "upstash", redis });
      try {
        const api = new Api(worker.url);
        const { session_id } = ok(await api.chat({ message: "before the snapshot" }));
        if (!appendonly) assert.equal(await redis.cli("SAVE"), "OK");
        ok(await api.chat({ message: "after it", session_id }));
        await redis.kill();
        await redis.restart();
        const read = () => api.get(`/v1/sessions/${session_id}/history`);
        const answer = await eventually(read, ({ status }) => status === 200);
        const kept = ok(answer)
          .messages.map(({ content }) => content)
          .filter((content) => !content.startsWith("You said"));
        assert.deepEqual(kept, appendonly ? ["before the snapshot", "after it"] : ["before the snapshot"]);
      } finally {
        await worker.stop();
        await redis.stop();
      }
    }
  });

  test("E11 tuning: the bytes of a full session in the guide are those that Redis says, to within a tenth", async () => {
    const redis = await startRedis();
    try {
      for (const [tier, pairs] of [
        ["low", 100],
        ["medium", 50],
        ["high", 20],
      ]) {
        const worker = await startWorker({ store: "upstash", redis, vars: { MAX_MESSAGES_PER_SESSION: `${pairs}` } });
        try {
          const api = new Api(`${worker.url}/openta`);
          const pair = { question: "q".repeat(200), answer: "a".repeat(800) };
          for (let at = 0; at < pairs + 5; at += 1) ok(await api.send("POST", `/chat/history/${tier}`, pair));
          const bytes = Number(await redis.cli("MEMORY", "USAGE", `conversation:{app}:s:${tier}`, "SAMPLES", "0"));
          const row = guide.split("\n").find((line) => line.startsWith(`| ${tier} `)) ?? "";
          const said = Number(/\| (\d+) kB \|/.exec(row)?.[1]) * 1000;
          assert.ok(Math.abs(bytes - said) <= said / 10, `${tier}: ${bytes} bytes; the guide says ${row}`);
        } finally {
          await worker.stop();
        }
      }
    } finally {
      await redis.stop();
    }
  });
});

test("the guide names every configuration name and every script that it should", () => {
  const names = readFileSync(join(ROOT, ".env.example"), "utf8").matchAll(/^#? ?([A-Z][A-Z_]+)=/gm);
  const known = new Set([...names].map((match) => match[1]));
  const said = [...guide.matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`/g)].map((match) => match[1]);
  assert.deepEqual(
    // CHATKEEP_ are the command line's own.
    said.filter((name) => !known.has(name) && !/^(MEMORY|INFO|CONFIG|CHATKEEP_)/.test(name)),
    [],
  );
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const missing = [...guide.matchAll(/npm run ([a-z:]+)/g)]
    .map((match) => match[1])
    .filter((name) => !(name in scripts));
  assert.deepEqual(missing, []);
  assert.ok(execFileSync("bash", ["-n", join(ROOT, "scripts/demo")]).length === 0);
});
