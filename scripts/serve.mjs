#!/usr/bin/env node
// Serves the built Worker in workerd, behind it the gateway to Redis when one is configured, until Ctrl-C.
// `--check` only says whether the configuration holds and the port is free. The configuration: .env.example.
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseEnv } from "node:util";

process.chdir(join(import.meta.dirname, ".."));

const worker_names = [...readFileSync(".env.example", "utf8").matchAll(/^#? ?([A-Z][A-Z_]+)=/gm)].map(
  (match) => match[1],
);
const gateway_names = /^(REDIS_(?!KEY_PREFIX|CONVERSATION_TTL)|GATEWAY_|PORT$|HOST$)/;
const env = { ...fileVariables(".env"), ...process.env };
const children = [];
let secrets; // the folder of the file that hands the Worker its variables; they stay off the command line
let stopping = false;

const port = Number(env.PORT || 8787);
if (!Number.isInteger(port) || port < 0 || port > 65535) fail(`PORT is ${env.PORT}; a port number is needed`);
if (Boolean(env.UPSTASH_REDIS_REST_URL) !== Boolean(env.UPSTASH_REDIS_REST_TOKEN)) {
  fail("UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN go together: set both or neither");
}
if ((env.REDIS_URL || env.REDIS_HOST) && (env.UPSTASH_REDIS_REST_URL || env.KV_REST_API_URL) && !redisIsOff()) {
  fail("REDIS_URL or REDIS_HOST names one Redis, UPSTASH_REDIS_REST_URL or KV_REST_API_URL another: set one of them");
}
for (const host of ["127.0.0.1", "::1"]) {
  const error = port && (await listenError(host));
  if (error === "EADDRINUSE")
    fail(`port ${port} is taken. Stop what listens there, or choose another: PORT=8788 npm start`);
  if (error === "EACCES") fail(`port ${port} may not be used by this user. Choose another: PORT=8788 npm start`);
}
const isLocal = !env.HOST || /^(localhost|127\.0\.0\.1|::1|\[::1\])$/.test(env.HOST);
if (!isLocal && /^(on|true|1)$/.test(env.OPEN_LOCALHOST ?? "")) {
  fail(`OPEN_LOCALHOST lets everybody in who reaches HOST ${env.HOST}: leave one of them out`);
}
if (process.argv.includes("--check")) process.exit(0);

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => stop(0));
const variables = fileVariables(".dev.vars");
if (isLocal && !variables.VISITOR_SECRET && !env.VISITOR_SECRET) {
  variables.VISITOR_SECRET = randomBytes(32).toString("hex");
  appendFileSync(".dev.vars", `VISITOR_SECRET=${variables.VISITOR_SECRET}\n`, { mode: 0o600 });
}
variables.OPEN_LOCALHOST ??= "on"; // where there is nothing but visitors, curl on this machine needs no token
for (const name of worker_names) if (env[name] && !gateway_names.test(name)) variables[name] = env[name];
// Whoever reaches another address may say that the host is localhost: nobody is let in for that.
if (!isLocal) variables.OPEN_LOCALHOST = "off";
let store = "the embedded vault, in .wrangler/state";
if ((env.REDIS_URL || env.REDIS_HOST) && !redisIsOff()) {
  variables.UPSTASH_REDIS_REST_TOKEN = randomBytes(24).toString("hex");
  variables.UPSTASH_REDIS_REST_URL = await startGateway(variables.UPSTASH_REDIS_REST_TOKEN);
  store = "Redis, through the gateway";
} else if (variables.UPSTASH_REDIS_REST_URL) {
  store = "Upstash Redis";
}
startWorker();

/** Whether a switch keeps the sessions in the vault, whatever Redis is named. The Worker says what else a switch may be. */
function redisIsOff() {
  return [env.USE_REDIS, env.ENABLE_REDIS_SESSIONS].some((value) => /^(false|0|no|off)$/i.test(value?.trim() ?? ""));
}

async function startGateway(token) {
  const built = spawnSync("scripts/build-gateway", { stdio: "inherit" });
  if (built.status !== 0) stop(1, "the gateway could not be built");
  const program = join(env.CARGO_TARGET_DIR || "target", "debug", "chatkeep-gateway");
  const gateway = run(program, [], { ...env, GATEWAY_PORT: env.GATEWAY_PORT || "0", GATEWAY_TOKEN: token });
  return new Promise((resolve) => {
    gateway.on("line", (line) => {
      const url = /^chatkeep-gateway listening on (http:\S+)/.exec(line)?.[1];
      if (url) resolve(url);
    });
  });
}

function startWorker() {
  secrets = mkdtempSync(join(tmpdir(), "chatkeep-"));
  const file = join(secrets, "variables.env");
  writeFileSync(file, Object.entries(variables).map(envLine).join(""), { mode: 0o600 });
  const args = [
    "dev",
    "--port",
    String(port),
    "--inspector-port",
    "0",
    "--env-file",
    file,
    "--show-interactive-dev-session=false",
    ...(env.HOST ? ["--ip", env.HOST] : []),
  ];
  const quiet = {
    WRANGLER_SEND_METRICS: "false",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    // wrangler's pages for looking into databases and requests: they ask nobody for credentials.
    X_LOCAL_EXPLORER: "false",
    X_LOCAL_OBSERVABILITY: "false",
  };
  run("wrangler", args, { ...process.env, ...quiet }).on("line", (line) => {
    const url = /Ready on (http\S+)/.exec(line)?.[1];
    if (url) tickEveryMinute(url);
    if (url) console.log(`\nChatkeep is ready: ${url}   (sessions are kept in ${store}; Ctrl-C stops it)\n`);
  });
}

/** Calls the scheduled handler every minute, which the platform does where the Worker is deployed. */
function tickEveryMinute(url) {
  const tick = () => fetch(`${url}/cdn-cgi/local/scheduled`).catch(() => {}); // the Worker may be restarting
  setInterval(tick, 60_000).unref();
}

/** Starts a program in a process group of its own, shows what it says, and ends everything when it ends. */
function run(program, args, environment) {
  const child = spawn(program, args, { env: environment, detached: true, stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  child.on("error", (error) => stop(1, `${program} could not be started: ${error.message}`));
  child.on("exit", (code, signal) => stop(1, `${program} ended (${signal ?? code})`));
  return createInterface(child.stdout).on("line", (line) => console.log(line));
}

function stop(code, message) {
  if (stopping) return;
  stopping = true;
  if (message) console.error(`start: ${message}`);
  const signal = (name) => {
    for (const { pid } of children) {
      try {
        process.kill(-pid, name);
      } catch {} // already gone
    }
  };
  signal("SIGTERM");
  if (secrets) rmSync(secrets, { recursive: true, force: true });
  const end = () => {
    signal("SIGKILL");
    process.exit(code);
  };
  setTimeout(end, 5000);
  const running = () => children.some((child) => child.pid && child.exitCode === null && child.signalCode === null);
  setInterval(() => running() || end(), 50);
}

function fail(message) {
  console.error(`start: ${message}`);
  process.exit(1);
}

function fileVariables(file) {
  return existsSync(file) ? parseEnv(readFileSync(file, "utf8")) : {};
}

/** One line of an env file as wrangler reads it: it expands `$`, and knows three quotes but no escape for them. */
function envLine([name, value]) {
  const quote = ["'", "`", '"'].find((mark) => !value.includes(mark));
  if (!quote || (quote === '"' && /\\[nr]/.test(value))) stop(1, `${name} holds ', \` and ": leave one of them out`);
  return `${name}=${quote}${value.replaceAll("$", "\\$")}${quote}\n`;
}

function listenError(host) {
  return new Promise((resolve) => {
    const server = createServer().on("error", (error) => resolve(error.code));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
