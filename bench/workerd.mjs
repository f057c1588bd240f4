// A Worker in a workerd of its own, without wrangler around it: its process does the Worker's work and nothing else.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { ROOT, removeFolder, temporaryFolder } from "../tests/harness/folders.mjs";
import { Process } from "../tests/harness/processes.mjs";

const { default: WORKERD } = createRequire(import.meta.url)("workerd");
const [, COMPATIBILITY_DATE] =
  /^compatibility_date = "(.+)"$/m.exec(readFileSync(join(ROOT, "wrangler.toml"), "utf8")) ?? [];

/**
 * @typedef {object} Workerd
 * @property {string} url
 * @property {number} pid
 * @property {() => Promise<void>} stop
 */

/**
 * @param {string} built a folder with index.js and, where it has one, index_bg.wasm
 * @param {Record<string, string>} vars
 * @param {Record<string, string>} [objects] the classes of Durable Objects by their bindings; they keep their state on disk
 * @param {{untouched?: boolean}} [options] `untouched`: no request has come yet
 * @returns {Promise<Workerd>}
 */
export async function startWorkerd(built, vars, objects = {}, { untouched = false } = {}) {
  const folder = temporaryFolder("workerd");
  const files = readdirSync(built).filter((name) => /^index(\.js|_bg\.wasm)$/.test(name));
  for (const name of files) copyFileSync(join(built, name), join(folder, name)); // what is measured stays as it is
  const modules = files.map((name) => {
    const kind = name.endsWith(".wasm") ? "wasm" : "esModule";
    return `(name = ${JSON.stringify(name)}, ${kind} = embed ${JSON.stringify(name)})`;
  });
  const bindings = Object.entries(vars).map(
    ([name, value]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(value)})`,
  );
  const classes = Object.values(objects).map(
    (name) => `(className = "${name}", uniqueKey = "${name}", enableSql = true)`,
  );
  for (const [name, its] of Object.entries(objects)) {
    bindings.push(`(name = "${name}", durableObjectNamespace = "${its}")`);
  }
  mkdirSync(join(folder, "objects"));
  const config = join(folder, "config.capnp");
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "internet", network = (allow = ["public", "private"])),
    (name = "worker", worker = (
      modules = [${modules.join(", ")}],
      bindings = [${bindings.join(", ")}],
      compatibilityDate = "${COMPATIBILITY_DATE}",
      durableObjectNamespaces = [${classes.join(", ")}],
      durableObjectStorage = (localDisk = "objects"),
    )),
    (name = "objects", disk = (path = ${JSON.stringify(join(folder, "objects"))}, writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "worker")],
);
`,
  );

  const server = new Process(WORKERD, ["serve", config, "--control-fd=1"]);
  const isListening = /"event":"listen","socket":"http","port":(\d+)/;
  const port = await server.ready("listening", () => isListening.exec(server.logs())?.[1]);
  const url = `http://127.0.0.1:${port}`;
  if (!untouched) await server.ready("serving", () => fetch(url).catch(() => undefined));
  return {
    url,
    pid: server.pid,
    stop: async () => {
      await server.stop();
      removeFolder(folder);
    },
  };
}
