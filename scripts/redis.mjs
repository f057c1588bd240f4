#!/usr/bin/env node
// `npm run redis:start`, `redis:status`, `redis:stop`: a Redis of one's own for development, with everything written to disk, in
// the folder .redis. REDIS_PORT (6379) says where. Without redis-server on the PATH, the same by Docker.
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const port = process.env.REDIS_PORT || "6379";
const folder = join(import.meta.dirname, "../.redis", port);
const container = `chatkeep-redis-${port}`;
/** Written to disk at every command; the sessions that end soonest go first when memory is short. */
const settings = ["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "volatile-ttl"];

const here = (program) => spawnSync(program, ["--version"]).status === 0;
const run = (program, args, stdio = "pipe") => spawnSync(program, args, { encoding: "utf8", stdio });
const docker = !here("redis-server");
const cli = (...words) =>
  docker ? run("docker", ["exec", container, "redis-cli", ...words]) : run("redis-cli", ["-p", port, ...words]);

const command = process.argv[2];
if (docker && !here("docker")) fail("neither redis-server nor docker is on the PATH: install one of them");
if (command === "start") start();
else if (command === "status") status();
else if (command === "stop") stop();
else fail("say start, status or stop");

function start() {
  if (cli("ping").stdout?.trim() === "PONG") return status();
  mkdirSync(folder, { recursive: true });
  const started = docker
    ? run("docker", [
        "run",
        "-d",
        "--rm",
        "--name",
        container,
        "-p",
        `127.0.0.1:${port}:6379`,
        "-v",
        `${folder}:/data`,
        "redis:alpine",
        "redis-server",
        ...settings,
      ])
    : run("redis-server", ["--port", port, "--bind", "127.0.0.1", "--dir", folder, "--daemonize", "yes", ...settings]);
  if (started.status !== 0) fail(started.stderr || started.stdout || "it could not be started");
  for (let tries = 0; tries < 100; tries += 1) {
    if (cli("ping").stdout?.trim() === "PONG") return status();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  }
  fail(`it does not answer; its data is in ${folder}`);
}

function status() {
  if (cli("ping").stdout?.trim() !== "PONG") {
    console.log(`Redis on port ${port}: not running. npm run redis:start starts it.`);
    process.exitCode = 1;
    return;
  }
  const said = (section, name) =>
    new RegExp(`^${name}:(.*)$`, "m").exec(cli("INFO", section).stdout)?.[1]?.trim() ?? "?";
  console.log(`Redis ${said("server", "redis_version")} on port ${port}: running`);
  console.log(
    `  memory    ${said("memory", "used_memory_human")} of ${said("memory", "maxmemory_human")} (0B: no limit), ${said("memory", "maxmemory_policy")}`,
  );
  console.log(
    `  on disk   append-only ${said("persistence", "aof_enabled") === "1" ? "on" : "off"}, last snapshot ${said("persistence", "rdb_last_bgsave_status")}`,
  );
  console.log(`  in use    REDIS_URL=redis://localhost:${port} npm start`);
}

function stop() {
  const stopped = docker ? run("docker", ["stop", container]) : cli("SHUTDOWN");
  console.log(stopped.status === 0 ? `Redis on port ${port}: stopped` : `Redis on port ${port}: not running`);
}

function fail(message) {
  console.error(`redis: ${message.trim()}`);
  process.exit(1);
}
