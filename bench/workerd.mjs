// A Worker in a workerd as the runner starts it: its process does the Worker's work and nothing else.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { configureWorkerd } from "../scripts/runner/workerd.mjs";
import { removeFolder, temporaryFolder } from "../tests/harness/folders.mjs";
import { Process } from "../tests/harness/processes.mjs";

/**
 * @typedef {object} Workerd
 * @property {string} url
 * @property {number} pid
 * @property {() => Promise<void>} stop
 */

/**
 * @param {string} built a folder with index.js and, where it is Chatkeep's, index_bg.wasm
 * @param {Record<string, string>} vars
 * @param {Record<string, string>} [objects] the classes of Durable Objects by their bindings; they keep their state on disk
 * @param {{untouched?: boolean}} [options] `untouched`: no request has come yet
 * @returns {Promise<Workerd>}
 */
export async function startWorkerd(built, vars, objects = {}, { untouched = false } = {}) {
  const state = temporaryFolder("workerd");
  const command = configureWorkerd({
    state,
    vars,
    objects,
    host: "127.0.0.1",
    built: join(built, "index.js"),
    foreign: !existsSync(join(built, "index_bg.wasm")),
  });
  const server = new Process(command.program, command.args, { env: command.env, control: true });
  const sockets = await command.listening(server.control).catch(() => undefined);
  command.remove();
  if (!sockets) throw new Error(`workerd did not start:\n${server.logs()}`);
  const url = `http://127.0.0.1:${sockets.port}`;
  if (!untouched) await server.ready("serving", () => fetch(url).catch(() => undefined));
  return {
    url,
    pid: server.pid,
    stop: async () => {
      await server.stop();
      removeFolder(state);
    },
  };
}
