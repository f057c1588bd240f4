// workerd with the built Worker and nothing else: the configuration that it is started with, and what the runner asks of it. There
// is no inspector, no explorer and no route beside the Worker's own. `npm start`, compose, the tests and the bench use it.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { createInterface } from "node:readline";
import { listAnswers } from "./static-files.mjs";

const ROOT = resolve(import.meta.dirname, "../..");
const SETTINGS = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
const [, COMPATIBILITY_DATE] = /^compatibility_date = "(.+)"$/m.exec(SETTINGS) ?? [];

/** What a client may send and the Worker must not believe: the platform's word for a client's address. */
const REMOVED_HEADERS = ["CF-Connecting-IP"];

/**
 * @typedef {object} WorkerdOptions
 * @property {string} state the folder of the Durable Objects
 * @property {Record<string, string>} vars the Worker's variables
 * @property {string} [host] the address to listen on; localhost
 * @property {number} [port] 0 chooses a free one
 * @property {string} [built] the index.js of the Worker
 * @property {string} [files] the folder of the app; none is served without one
 * @property {boolean} [foreign] the Worker isn't Chatkeep's: it is run as it is
 * @property {Record<string, string>} [objects] the classes of Durable Objects by their bindings; else those of wrangler.toml
 */

/**
 * A program to start, with a pipe as its file descriptor 3.
 * @typedef {object} WorkerdCommand
 * @property {string} program
 * @property {string[]} args
 * @property {Record<string, string>} env
 * @property {(control: NodeJS.ReadableStream) => Promise<WorkerdSockets>} listening waits until it listens
 * @property {() => void} remove removes the configuration, which is read once
 */

/**
 * @typedef {object} WorkerdSockets
 * @property {number} port
 * @property {() => Promise<void>} runSchedule does what is done every minute
 */

/**
 * Writes the configuration of a workerd.
 * @param {WorkerdOptions} options
 * @returns {WorkerdCommand}
 */
export function configureWorkerd(options) {
  const { state, vars, foreign = false } = options;
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "chatkeep-workerd-")));
  const file = join(folder, "config.capnp");
  const secret = randomBytes(32).toString("hex");
  mkdirSync(state, { recursive: true, mode: 0o700 });
  writeFileSync(file, configuration(folder, options), { mode: 0o600 });
  return {
    program: workerdProgram(),
    args: ["serve", file, "--control-fd", "3"],
    // Variables are in the environment alone: neither a file nor a command line shows a secret.
    env: { ...vars, ...(!foreign && { SCHEDULE_SECRET: secret }) },
    remove: () => rmSync(folder, { recursive: true, force: true }),
    listening: async (control) => {
      const ports = await readPorts(control, foreign ? ["http"] : ["http", "schedule"]);
      return { port: ports.http, runSchedule: () => callSchedule(ports.schedule, secret) };
    },
  };
}

/** The program itself: npm's package starts it behind a Node of its own. */
function workerdProgram() {
  return createRequire(import.meta.url)("workerd").default;
}

/**
 * Reads where workerd listens, which it tells in lines of JSON.
 * @param {NodeJS.ReadableStream} control
 * @param {string[]} sockets
 * @returns {Promise<Record<string, number>>}
 */
function readPorts(control, sockets) {
  /** @type {Record<string, number>} */
  const ports = {};
  const lines = createInterface({ input: control });
  return new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      const { event, socket, port } = JSON.parse(line);
      if (event === "listen") ports[socket] = port;
      if (sockets.every((name) => name in ports)) resolve(ports);
    });
    lines.on("close", () => reject(new Error("workerd ended before it listened")));
  });
}

/**
 * @param {number} port
 * @param {string} secret
 */
async function callSchedule(port, secret) {
  const url = `http://127.0.0.1:${port}/`;
  const { status } = await fetch(url, { method: "POST", headers: { authorization: `Bearer ${secret}` } });
  if (status !== 204) throw new Error(`the schedule was answered ${status}`);
}

/**
 * The configuration in Cap'n Proto's text form.
 * @param {string} folder where it will be
 * @param {WorkerdOptions} options
 */
function configuration(folder, options) {
  const { host = "localhost", port = 0, state, vars, files, foreign = false, objects = objectsOf(SETTINGS) } = options;
  const { built = join(ROOT, "crates/worker/build/index.js") } = options;
  const wasm = join(dirname(built), "index_bg.wasm");
  const modules = [
    ...(foreign ? [] : [module(folder, join(import.meta.dirname, "entry.mjs"))]),
    module(folder, built, "index.js"),
    ...(existsSync(wasm) ? [module(folder, wasm)] : []),
  ];
  const classes = [...new Set(Object.values(objects))];
  const bindings = [
    ...Object.keys(foreign ? vars : { ...vars, SCHEDULE_SECRET: "" }).map(
      (name) => `(name = ${text(name)}, fromEnvironment = ${text(name)})`,
    ),
    ...Object.entries(objects).map(([name, its]) => `(name = ${text(name)}, durableObjectNamespace = ${text(its)})`),
    ...(files ? [`(name = "STATIC_FILES", service = "files")`] : []),
    ...(files ? [`(name = "STATIC_ANSWERS", json = ${text(JSON.stringify(listAnswers(files)))})`] : []),
  ];
  const namespaces = classes.map(
    (name) => `(className = ${text(name)}, uniqueKey = ${text(`chatkeep-${name}`)}, enableSql = true)`,
  );
  const removed = REMOVED_HEADERS.map((name) => `(name = ${text(name)})`);
  const schedule = `
    (name = "schedule", address = "127.0.0.1:0", http = (), service = (name = "worker", entrypoint = "Schedule")),`;
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (
      trustBrowserCas = true, trustedCertificates = [${certificates()}],
    ))),
    (name = "objects", disk = (path = ${text(resolve(state))}, writable = true)),${
      files ? `\n    (name = "files", disk = (path = ${text(resolve(files))})),` : ""
    }
    (name = "worker", worker = (
      compatibilityDate = ${text(COMPATIBILITY_DATE ?? "")},
      modules = [${list(modules)}],
      bindings = [${list(bindings)}],
      durableObjectNamespaces = [${list(namespaces)}],
      durableObjectStorage = (localDisk = "objects"),
    )),
  ],
  sockets = [
    (name = "http", address = ${text(`${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`)},
      http = (injectRequestHeaders = [${removed.join(", ")}]), service = "worker"),${foreign ? "" : schedule}
  ],
);
`;
}

/** The certificates that Node, too, is told to trust besides the system's. */
function certificates() {
  const file = process.env.NODE_EXTRA_CA_CERTS;
  const all = file ? readFileSync(file, "utf8").match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) : [];
  return (all ?? []).map(text).join(", ");
}

/**
 * The Durable Objects of wrangler.toml. The archive is one of them here: there is no D1.
 * @param {string} settings
 * @returns {Record<string, string>}
 */
function objectsOf(settings) {
  const bindings = settings.matchAll(/^\[\[durable_objects\.bindings\]\]\nname = "(.+)"\nclass_name = "(.+)"$/gm);
  return { ...Object.fromEntries([...bindings].map(([, name, its]) => [name, its])), ARCHIVE: "Archive" };
}

/**
 * @param {string} folder
 * @param {string} file
 * @param {string} [name]
 */
function module(folder, file, name = basename(file)) {
  const kind = name.endsWith(".wasm") ? "wasm" : "esModule";
  return `(name = ${text(name)}, ${kind} = embed ${text(relative(folder, realpathSync(file)))})`;
}

/** A text of Cap'n Proto, whose escapes are those of C. */
function text(/** @type {string} */ value) {
  return JSON.stringify(value);
}

function list(/** @type {string[]} */ entries) {
  return entries.map((entry) => `\n        ${entry},`).join("") + (entries.length > 0 ? "\n      " : "");
}
