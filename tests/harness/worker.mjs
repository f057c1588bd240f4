// The built Worker in workerd, as the runner starts it, or under `wrangler dev` where a test needs what only that simulates: D1 and
// other bindings. Nothing of the developer's own configuration is read.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configureWorkerd } from "../../scripts/runner/workerd.mjs";
import { ROOT, removeFolder, temporaryFolder } from "./folders.mjs";
import { startGateway } from "./gateway.mjs";
import { onFreePort, onSamePort } from "./ports.mjs";
import { Process } from "./processes.mjs";
import { startRedis } from "./redis.mjs";

/** @import { Gateway } from "./gateway.mjs" */
/** @import { Redis } from "./redis.mjs" */

/**
 * @typedef {object} Worker
 * @property {string} url
 * @property {"vault" | "upstash"} store
 * @property {string} persistTo where workerd keeps its state
 * @property {Redis} [redis] the one that was given or started
 * @property {Gateway} [gateway] the one that was given or started
 * @property {() => string} logs
 * @property {() => Promise<void>} stop ends it and what was started for it, and removes its state
 * @property {() => Promise<void>} tick calls the scheduled handler, as the platform does every minute
 * @property {() => Promise<void>} kill ends workerd as a crash would; `restart` starts it again
 * @property {() => Promise<void>} restart starts it again with the same state; ends it first if it runs
 */

/**
 * @param {object} options
 * @param {"vault" | "upstash"} options.store `upstash` starts a Redis and a gateway, unless they are given
 * @param {Record<string, string>} [options.vars] the Worker's variables, beside those of wrangler.toml; open localhost may
 *   administer, unless they say otherwise
 * @param {boolean} [options.faults] the gateway that is started takes orders to fail
 * @param {Redis} [options.redis]
 * @param {Gateway} [options.gateway]
 * @param {string} [options.persistTo] a folder for workerd's state that is kept; else a temporary one
 * @param {boolean} [options.wrangler] under `wrangler dev`, with its D1
 * @param {string} [options.bindings] more of wrangler.toml, which needs wrangler
 * @param {string} [options.beside] the configuration of another Worker, to run in wrangler's workerd
 * @param {string} [options.built] the index.js of another build of the Worker
 * @returns {Promise<Worker>}
 */
export async function startWorker({
  store,
  vars = {},
  faults = false,
  redis,
  gateway,
  persistTo,
  wrangler = false,
  bindings = "",
  beside,
  built = join(ROOT, "crates/worker/build/index.js"),
}) {
  /** @type {{stop: () => Promise<void>}[]} */
  const started = [];
  if (store === "upstash" && !gateway) {
    const behind = redis ?? ours(await startRedis());
    redis = behind;
    gateway = ours(await startGateway({ redisUrl: behind.url, faults }));
  }
  const upstash = gateway && { UPSTASH_REDIS_REST_URL: gateway.url, UPSTASH_REDIS_REST_TOKEN: gateway.token };
  const folder = temporaryFolder("worker");
  const state = persistTo ?? join(folder, "state");
  const onWrangler = wrangler || bindings !== "" || beside !== undefined;
  const run = onWrangler ? runWrangler : runWorkerd;
  const variables = { ...upstash, OPEN_ADMIN: "on", ...vars };

  let logs = "";
  let port = 0;
  let url = "";
  let server = await onFreePort((free) => {
    port = free;
    url = `http://localhost:${port}`;
    return run();
  });
  return {
    url,
    store,
    persistTo: state,
    redis,
    gateway,
    logs: () => logs + server.process.logs(),
    stop: async () => {
      await server.process.kill();
      for (const child of started.reverse()) await child.stop();
      removeFolder(folder);
    },
    tick: () => server.tick(),
    kill: () => server.process.kill(),
    restart: async () => {
      await server.process.stop();
      logs += server.process.logs();
      server = await onSamePort(run);
    },
  };

  /** @type {<T extends {stop: () => Promise<void>}>(child: T) => T} */
  function ours(child) {
    started.push(child);
    return child;
  }

  async function runWorkerd() {
    const files = join(ROOT, "www/app/dist");
    needs(built, "scripts/build-worker");
    needs(files, "scripts/build");
    const command = configureWorkerd({ state, vars: variables, port, built, files });
    const { PATH, HOME, TMPDIR } = process.env;
    const env = { PATH, HOME, TMPDIR, ...command.env };
    const server = new Process(command.program, command.args, { env, control: true });
    const sockets = await command.listening(server.control).catch(() => undefined);
    command.remove();
    if (!sockets) {
      await server.kill();
      throw new Error(`workerd did not start:\n${server.logs()}`);
    }
    return { process: server, tick: sockets.runSchedule };
  }

  async function runWrangler() {
    writeConfig(folder, variables, bindings, built);
    const args = ["dev", "--config", join(folder, "wrangler.toml"), "--env-file", join(folder, "variables.env")];
    if (beside) args.push("--config", beside);
    args.push("--port", `${port}`, "--inspector-port", "0", "--persist-to", state);
    args.push("--show-interactive-dev-session=false", "--no-bundle"); // worker-build has bundled it
    const { PATH, HOME, TMPDIR } = process.env;
    const env = {
      PATH: `${join(ROOT, "node_modules", ".bin")}:${PATH}`,
      HOME,
      TMPDIR,
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_LOG_PATH: join(folder, "wrangler-logs"),
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      X_LOCAL_EXPLORER: "false",
      X_LOCAL_OBSERVABILITY: "false",
      NO_COLOR: "1",
    };
    const server = new Process("wrangler", args, { cwd: folder, env });
    // Any answer will do: tests also start Workers that are unwell.
    await server.ready("serving", () =>
      fetch(`${url}/health`)
        .then(() => true)
        .catch(() => undefined),
    );
    const tick = async () => {
      const answer = await fetch(`${url}/cdn-cgi/local/scheduled`);
      if (!answer.ok) throw new Error(`the scheduled handler: ${answer.status} ${await answer.text()}`);
    };
    return { process: server, tick };
  }
}

/**
 * @param {string} path
 * @param {string} script what makes it
 */
function needs(path, script) {
  if (!existsSync(path)) throw new Error(`${path} is missing: run ${script}`);
}

/**
 * Writes the configuration of a Worker that is built already.
 * @param {string} folder
 * @param {Record<string, string>} vars
 * @param {string} bindings
 * @param {string} built
 */
function writeConfig(folder, vars, bindings, built) {
  const app = join(ROOT, "www/app/dist");
  needs(built, "scripts/build-worker");
  needs(app, "scripts/build");
  const config = readFileSync(join(ROOT, "wrangler.toml"), "utf8")
    .replace(/^\[build\]\n(?:.+\n)*/m, "")
    .replace(/^main = .*$/m, `main = ${JSON.stringify(built)}`)
    .replace(/^directory = .*$/m, `directory = ${JSON.stringify(app)}`);
  writeFileSync(join(folder, "wrangler.toml"), `${config}\n${bindings}`);
  writeFileSync(join(folder, "variables.env"), Object.entries(vars).map(envLine).join(""));
}

/**
 * One line of an env file as wrangler reads it: it expands `$`, and knows three quotes but no escape for them.
 * @param {[string, string]} variable
 */
function envLine([name, value]) {
  const quote = ["'", "`", '"'].find((mark) => !value.includes(mark));
  if (!quote) throw new Error(`${name} holds every kind of quote`);
  return `${name}=${quote}${value.replaceAll("$", "\\$")}${quote}\n`;
}
