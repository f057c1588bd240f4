// The built Worker in real workerd, under `wrangler dev`, with nothing of the developer's own configuration.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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
 * @param {Record<string, string>} [options.vars] the Worker's variables, beside those of wrangler.toml
 * @param {boolean} [options.faults] the gateway that is started takes orders to fail
 * @param {Redis} [options.redis]
 * @param {Gateway} [options.gateway]
 * @param {string} [options.persistTo] a folder for workerd's state that is kept; else a temporary one
 * @param {string} [options.bindings] more of wrangler.toml
 * @param {string} [options.beside] the configuration of another Worker, to run in the same workerd
 * @param {string} [options.built] the index.js of another build of the Worker
 * @param {string} [options.host] the host that requests seem to be for; else the one that they name
 * @returns {Promise<Worker>}
 */
export async function startWorker({
  store,
  vars = {},
  faults = false,
  redis,
  gateway,
  persistTo,
  bindings = "",
  beside,
  built,
  host,
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
  writeConfig(folder, { ...upstash, ...vars }, bindings, built);

  const args = ["dev", "--config", join(folder, "wrangler.toml"), "--env-file", join(folder, "variables.env")];
  if (beside) args.push("--config", beside);
  args.push("--inspector-port", "0", "--persist-to", state);
  args.push("--show-interactive-dev-session=false", "--no-bundle"); // worker-build has bundled it
  if (host) args.push("--local-upstream", host);

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
    logs: () => logs + server.logs(),
    stop: async () => {
      await server.stop();
      for (const child of started.reverse()) await child.stop();
      removeFolder(folder);
    },
    tick: async () => {
      const answer = await fetch(`${url}/cdn-cgi/local/scheduled`);
      if (!answer.ok) throw new Error(`the scheduled handler: ${answer.status} ${await answer.text()}`);
    },
    kill: () => server.kill(),
    restart: async () => {
      await server.stop();
      logs += server.logs();
      server = await onSamePort(run);
    },
  };

  /** @type {<T extends {stop: () => Promise<void>}>(child: T) => T} */
  function ours(child) {
    started.push(child);
    return child;
  }

  async function run() {
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
    const server = new Process("wrangler", [...args, "--port", `${port}`], { cwd: folder, env });
    // Any answer will do: tests also start Workers that are unwell.
    await server.ready("serving", () =>
      fetch(`${url}/health`)
        .then(() => true)
        .catch(() => undefined),
    );
    return server;
  }
}

/**
 * Writes the configuration of a Worker that is built already.
 * @param {string} folder
 * @param {Record<string, string>} vars
 * @param {string} bindings
 * @param {string} [built]
 */
function writeConfig(folder, vars, bindings, built = join(ROOT, "crates/worker/build/index.js")) {
  const app = join(ROOT, "www/app/dist");
  if (!existsSync(built)) throw new Error(`${built} is missing: run scripts/build-worker`);
  if (!existsSync(app)) throw new Error(`${app} is missing: run scripts/build`);
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
