// E10: the quick start as the documentation has it, from a clone and from the packed npm package, to a remembered second turn.
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { clone } from "../harness/clone.mjs";
import { ROOT, temporaryFolder } from "../harness/folders.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { onFreePort, onSamePort } from "../harness/ports.mjs";
import { Process } from "../harness/processes.mjs";
import { startRedis } from "../harness/redis.mjs";
import { onRedis } from "../harness/stores.mjs";
import { shell } from "./dialect.mjs";

const guide = readFileSync(join(ROOT, "docs/quick-start.md"), "utf8");

/** The blocks of a section of the guide, in their order. */
function blocks(/** @type {string} */ section) {
  const [, text = ""] = guide.split(`## ${section}\n`);
  return [...text.split("\n## ")[0].matchAll(/^```\w+\n([\s\S]*?)^```$/gm)].map((match) => match[1]);
}

test("E10 five minutes: from a clone to a remembered second turn, and over a restart", async () => {
  const [start, talk] = blocks("From a clone");
  const cwd = clone();
  const { PATH, HOME } = process.env;
  let port = 0;
  const serve = async () => {
    const server = new Process("bash", ["-c", start], { cwd, env: { PATH, HOME, PORT: `${port}` } });
    // It takes so long only where what is copied was not built of these sources.
    const isReady = () => /Chatkeep is ready: http/.test(server.logs()) || undefined;
    await server.ready("serving", isReady, 600_000);
    return server;
  };
  let server = await onFreePort((free) => {
    port = free;
    return serve();
  });
  const commands = talk.replaceAll("localhost:8787", `localhost:${port}`).split(/\n(?=curl)/);
  try {
    const answers = [];
    for (const command of commands) answers.push(JSON.parse(await shell(command)).answer);
    assert.match(answers[0], /first thing/);
    assert.match(answers[1], /“What is machine learning\?”/);
    await server.stop();
    server = await onSamePort(serve);
    assert.match(JSON.parse(await shell(commands[1])).answer, /“What is machine learning\?”/);
  } finally {
    await server.stop();
  }
});

onRedis("the quick start on a Redis", () => {
  test("E10 five minutes: from the packed npm package to a remembered second turn", async () => {
    const [install, program, talk] = blocks("From the npm package");
    const folder = temporaryFolder("quick-start");
    const pack = ["pack", "--json", "--pack-destination", folder];
    const packed = { cwd: join(ROOT, "www/chatkeep"), encoding: "utf8", stdio: "pipe" };
    const [{ filename }] = JSON.parse(execFileSync("npm", pack, /** @type {any} */ (packed)));
    const redis = await startRedis();
    const gateway = await startGateway({ redisUrl: redis.url }); // stands in for Upstash
    try {
      writeFileSync(join(folder, "chat.mjs"), program);
      const env = {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        npm_config_offline: "true",
        UPSTASH_REDIS_REST_URL: gateway.url,
        UPSTASH_REDIS_REST_TOKEN: gateway.token,
      };
      const run = (/** @type {string} */ script) =>
        promisify(execFile)("bash", ["-euo", "pipefail", "-c", script], { cwd: folder, env });
      await run(install.replace("chatkeep", `./${filename}`));
      const { stdout } = await run(talk);
      assert.equal(stdout, "That is the first thing you say.\nBefore that you said: What is machine learning?\n");
    } finally {
      await gateway.stop();
      await redis.stop();
    }
  });
});
