#!/usr/bin/env node
// Serves the built Worker in workerd, behind it the gateway to Redis when one is configured, until Ctrl-C or SIGTERM.
// `--check` only says whether the configuration holds and the port is free. The configuration: .env.example.
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { Children } from "./runner/children.mjs";
import { rebuildOnChange } from "./runner/rebuild.mjs";
import { configureWorkerd } from "./runner/workerd.mjs";

process.chdir(join(import.meta.dirname, ".."));

const worker_names = [...readFileSync(".env.example", "utf8").matchAll(/^#? ?([A-Z][A-Z_]+)=/gm)].map(
  (match) => match[1],
);
const own_names = /^(REDIS_(?!KEY_PREFIX|CONVERSATION_TTL)|GATEWAY_|PORT$|HOST$|STATE_FOLDER$)/;
const env = { ...fileVariables(".env"), ...process.env };
const state = env.STATE_FOLDER || ".chatkeep/state";
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

// A turn that runs may end before its server does; on localhost nobody waits for that.
const children = new Children(isLocal ? 2_000 : 10_000, (message) => stop(1, message));
process.on("exit", () => children.kill());
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => (stopping ? process.exit(0) : stop(0)));
const variables = fileVariables(".dev.vars");
if (isLocal && !variables.VISITOR_SECRET && !env.VISITOR_SECRET) {
  variables.VISITOR_SECRET = randomBytes(32).toString("hex");
  appendFileSync(".dev.vars", `VISITOR_SECRET=${variables.VISITOR_SECRET}\n`, { mode: 0o600 });
}
variables.OPEN_LOCALHOST ??= "on"; // where there is nothing but visitors, curl on this machine needs no token
// Pages that are developed on this machine are no foreign ones, whatever their port.
if (isLocal) {
  const loopback = ["localhost", "*.localhost", "127.0.0.1", "[::1]"];
  variables.CORS_ORIGINS ??= loopback.map((host) => `http://${host}:*`).join(",");
}
for (const name of worker_names) if (env[name] && !own_names.test(name)) variables[name] = env[name];
// Whoever reaches another address may say that the host is localhost: nobody is let in for that.
if (!isLocal) variables.OPEN_LOCALHOST = "off";
let store = `the embedded vault, in ${state}`;
if ((env.REDIS_URL || env.REDIS_HOST) && !redisIsOff()) {
  variables.UPSTASH_REDIS_REST_TOKEN = randomBytes(24).toString("hex");
  variables.UPSTASH_REDIS_REST_URL = await startGateway(variables.UPSTASH_REDIS_REST_TOKEN);
  store = "Redis, through the gateway";
} else if (variables.UPSTASH_REDIS_REST_URL) {
  store = "Upstash Redis";
}
if (existsSync(".wrangler/state/v3/do") && !existsSync(state)) {
  console.log("start: sessions of an earlier version are in .wrangler/state; docs/operations.md says how they move");
}
let serving = await serveWorker(port);
console.log(`\nChatkeep is ready: ${serving.url}   (sessions are kept in ${store}; Ctrl-C stops it)\n`);
if (needsOpenAdmin()) {
  console.log(`The administration (${serving.url}/admin, /metrics) is closed. To open it on this machine:

  OPEN_ADMIN=on npm start
`);
}
// The platform calls this where the Worker is deployed. The Worker may be restarting.
setInterval(() => serving.runSchedule().catch(() => {}), 60_000);
if (isLocal) {
  rebuildOnChange(process.cwd(), async () => {
    await children.stop(serving.child);
    serving = await serveWorker(serving.port);
    console.log("start: what was built is served");
  });
}

/** Whether localhost is open and may not administer. */
function needsOpenAdmin() {
  const { API_KEYS, JWT_ISSUERS, JWT_SECRET, JWT_JWKS_URL, OPEN_ADMIN, OPEN_LOCALHOST } = variables;
  const hasCredentials = API_KEYS || JWT_ISSUERS || JWT_SECRET || JWT_JWKS_URL;
  return !hasCredentials && /^(on|true|1)$/.test(OPEN_LOCALHOST) && !/^(on|true|yes|1)$/i.test(OPEN_ADMIN ?? "");
}

/** Whether a switch keeps the sessions in the vault, whatever Redis is named. The Worker says what else a switch may be. */
function redisIsOff() {
  return [env.USE_REDIS, env.ENABLE_REDIS_SESSIONS].some((value) => /^(false|0|no|off)$/i.test(value?.trim() ?? ""));
}

async function startGateway(token) {
  const built = spawnSync("scripts/build-gateway", { stdio: "inherit" });
  if (built.status !== 0) stop(1, "the gateway could not be built");
  const program = join(env.CARGO_TARGET_DIR || "target", "debug", "chatkeep-gateway");
  const { lines } = children.start(program, [], {
    ...env,
    GATEWAY_PORT: env.GATEWAY_PORT || "0",
    GATEWAY_TOKEN: token,
  });
  return new Promise((resolve) => {
    lines.on("line", (line) => {
      const url = /^chatkeep-gateway listening on (http:\S+)/.exec(line)?.[1];
      if (url) resolve(url);
    });
  });
}

/** Starts workerd, and waits until it listens. */
async function serveWorker(at) {
  const files = "www/app/dist";
  const command = configureWorkerd({ state, vars: variables, host: env.HOST || "localhost", port: at, files });
  const { PATH, HOME, TMPDIR, SSL_CERT_FILE, SSL_CERT_DIR } = process.env;
  const environment = { PATH, HOME, TMPDIR, SSL_CERT_FILE, SSL_CERT_DIR, ...command.env };
  const { child, control } = children.start(command.program, command.args, environment);
  const sockets = await command.listening(control).catch(() => new Promise(() => {})); // its end is told already
  command.remove();
  const host = env.HOST?.includes(":") ? `[${env.HOST.replaceAll(/[[\]]/g, "")}]` : env.HOST || "localhost";
  return { ...sockets, child, url: `http://${host}:${sockets.port}` };
}

async function stop(code, message) {
  if (stopping) return;
  stopping = true;
  if (message) console.error(`start: ${message}`);
  await children.stopAll();
  process.exit(code);
}

function fail(message) {
  console.error(`start: ${message}`);
  process.exit(1);
}

function fileVariables(file) {
  return existsSync(file) ? parseEnv(readFileSync(file, "utf8")) : {};
}

function listenError(host) {
  return new Promise((resolve) => {
    const server = createServer().on("error", (error) => resolve(error.code));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
