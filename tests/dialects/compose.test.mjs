// The compose file, without an engine: its services started as processes, with the commands and the environment that it gives them.
// The Worker runs in a folder with nothing but what its image has. What only an engine does (images, volumes, the network between
// the services, their restrictions) is not run here. What is on the Worker's port: tests/worker/port.test.mjs.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { cpSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { Api, ok } from "../harness/api.mjs";
import { ROOT, temporaryFolder } from "../harness/folders.mjs";
import { freePort } from "../harness/ports.mjs";
import { Process } from "../harness/processes.mjs";
import { onRedis } from "../harness/stores.mjs";

const text = readFileSync(join(ROOT, "compose.yaml"), "utf8");
const dockerfile = readFileSync(join(ROOT, "Dockerfile"), "utf8");

/** The file with its variables in place, as compose does it; a variable that has to be there and isn't is an error. */
function composed(/** @type {Record<string, string>} */ variables) {
  const interpolated = text.replaceAll(/\$\{(\w+)(:[?-][^}]*)?\}/g, (_, name, rest) => {
    if (!variables[name] && rest?.startsWith(":?")) throw new Error(`${name} is missing`);
    return variables[name] ?? "";
  });
  return parse(interpolated);
}

/** A stage of the Dockerfile. */
function stage(/** @type {string} */ target) {
  return dockerfile.split(/^FROM /m).find((part) => part.split("\n")[0].endsWith(` AS ${target}`)) ?? "";
}

/** The command of a stage, or of its health check, as words. */
function command(/** @type {string} */ target, before = "") {
  return JSON.parse(new RegExp(`^${before}CMD (\\[.*\\])$`, "m").exec(stage(target))?.[1] ?? "[]");
}
const healthCheck = (/** @type {string} */ target) => command(target, "HEALTHCHECK .* ");

/** A folder with what the image of the Worker has: the files that its stage copies. */
function image() {
  const folder = temporaryFolder("image");
  for (const [, words] of stage("worker").matchAll(/^COPY (?:--from=build )?(.+)$/gm)) {
    const sources = words.split(" ");
    const target = sources.pop() ?? "";
    for (const source of sources.map((path) => path.replace(/^\/chatkeep\//, ""))) {
      const into = target.endsWith("/") && !statSync(join(ROOT, source)).isDirectory();
      const path = join(folder, target, target === "./" || into ? basename(source) : "");
      cpSync(join(ROOT, source), path, { recursive: true });
    }
  }
  return folder;
}

const secrets = () => ({
  GATEWAY_TOKEN: randomBytes(24).toString("hex"),
  API_KEYS: "a-server-s-own-key",
  VISITOR_SECRET: randomBytes(32).toString("hex"),
});

test("B7 compose: it asks for every secret, and its parts are there", () => {
  for (const name of Object.keys(secrets())) {
    assert.throws(() => composed({ ...secrets(), [name]: "" }), new RegExp(`${name} is missing`));
  }
  const { services, volumes } = composed(secrets());
  assert.deepEqual(Object.keys(services), ["redis", "gateway", "worker"]);
  for (const name of ["gateway", "worker"]) {
    const { target } = services[name].build;
    assert.ok(command(target).length > 0, name);
    assert.ok(healthCheck(target).length > 0, name);
    assert.match(stage(target), /^USER (?!root)/m);
    assert.deepEqual([services[name].read_only, services[name].cap_drop], [true, ["ALL"]]);
  }
  const workdir = /^WORKDIR (.+)$/m.exec(stage("worker"))?.[1];
  assert.deepEqual(services.worker.volumes, [`objects:${workdir}/.chatkeep/state`]);
  assert.deepEqual(Object.keys(volumes), ["redis", "objects"]);
});

onRedis("the services of the compose file", () => {
  test("B7 compose: a turn goes through the Worker and the gateway into Redis, and outlives a restart of all three", async () => {
    const { services } = composed(secrets());
    const [redisPort, gatewayPort, port, data] = [
      await freePort(),
      await freePort(),
      await freePort(),
      temporaryFolder("data"),
    ];
    const folder = image();
    const { PATH, HOME } = process.env;
    const [redisServer, ...redisArgs] = services.redis.command.split(" ");
    const [gateway] = command(services.gateway.build.target);
    const [program, ...served] = command(services.worker.build.target);
    const [checker, ...check] = healthCheck(services.worker.build.target);
    // The names of services are names of hosts in compose; here all of them are this machine.
    const here = (/** @type {Record<string, string>} */ environment) =>
      Object.fromEntries(
        Object.entries(environment).map(([name, value]) => [
          name,
          value
            .replace("//redis:6379", `//127.0.0.1:${redisPort}`)
            .replace("//gateway:8079", `//127.0.0.1:${gatewayPort}`),
        ]),
      );
    /** @type {Process[]} */
    let running = [];
    const up = async () => {
      const redis = new Process(redisServer, [...redisArgs, "--port", `${redisPort}`, "--dir", data]);
      running = [redis];
      await redis.ready("accepting connections", () => /Ready to accept/.test(redis.logs()) || undefined);
      const env = { ...here(services.gateway.environment), GATEWAY_PORT: `${gatewayPort}` };
      const between = new Process(join(ROOT, "target/debug", gateway), [], { env });
      running.unshift(between);
      await between.ready("listening", () => /listening on/.test(between.logs()) || undefined);
      const [shell, ...look] = healthCheck(services.gateway.build.target);
      const itsPort = (/** @type {string} */ word) => word.replace("/8079", `/${gatewayPort}`);
      const looked = new Process(shell, look.map(itsPort), { env: { PATH } });
      await looked.ready("checked", () => looked.ended || undefined);
      assert.equal(looked.child.exitCode, 0, looked.logs());
      const environment = { PATH, HOME, PORT: `${port}`, ...here(services.worker.environment) };
      const worker = new Process(program, served, { cwd: folder, env: environment });
      running.unshift(worker);
      await worker.ready("serving", () => /Chatkeep is ready/.test(worker.logs()) || undefined);
      assert.equal(await isHealthy(environment), true);
    };
    const isHealthy = async (/** @type {Record<string, string | undefined>} */ environment) => {
      const checked = new Process(checker, check, { cwd: folder, env: environment });
      await checked.ready("checked", () => checked.ended || undefined);
      return checked.child.exitCode === 0;
    };
    const down = async () => {
      for (const process of running) await process.stop();
    };
    try {
      await up();
      const url = `http://127.0.0.1:${port}`;
      const api = new Api(url, { "x-api-key": services.worker.environment.API_KEYS });
      const { session_id } = await api.say("My name is Ada");
      assert.match((await api.say("Who am I?", { session_id })).response, /“My name is Ada”/);
      assert.equal((await new Api(url).chat({ message: "Hello" })).status, 401);
      assert.equal(ok(await api.get("/health")).redis, "connected");
      const visitor = ok(await new Api(url).send("POST", "/v1/visitors")).token;
      assert.equal(await isHealthy({ PATH, HOME, PORT: `${redisPort}` }), false, "where no Worker listens");
      await down();
      await up();
      assert.match((await api.say("And now?", { session_id })).response, /“My name is Ada”/);
      const again = new Api(url, { authorization: `Bearer ${visitor}` });
      assert.equal((await again.list()).count, 0, "a visitor of before is still one");
    } finally {
      await down();
    }
  });
});
