// A real redis-server in a temporary folder.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { removeFolder, temporaryFolder } from "./folders.mjs";
import { freePort } from "./ports.mjs";
import { Process } from "./processes.mjs";

/**
 * @typedef {object} Redis
 * @property {number} port
 * @property {string} dir
 * @property {string} url
 * @property {number} pid of the one that runs now
 * @property {() => string} logs
 * @property {(...args: string[]) => Promise<string>} cli runs redis-cli and gives what it prints
 * @property {() => Promise<void>} stop ends it and removes its folder
 * @property {() => Promise<void>} kill ends it as a crash would
 * @property {() => Promise<void>} restart starts it again, on the same port and folder; ends it first if it runs
 */

/**
 * @param {{appendonly?: boolean, port?: number, dir?: string, maxmemory?: string}} [options]
 *   `appendonly` writes every command to disk before it is answered; without it nothing is kept
 * @returns {Promise<Redis>}
 */
export async function startRedis({ appendonly = false, port, dir, maxmemory } = {}) {
  const folder = dir ?? temporaryFolder("redis");
  const its_port = port ?? (await freePort());
  const args = ["--port", `${its_port}`, "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
  args.push(...(appendonly ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"]));
  if (maxmemory) args.push("--maxmemory", maxmemory, "--maxmemory-policy", "noeviction");

  let logs = "";
  let server = await run();
  return {
    port: its_port,
    dir: folder,
    url: `redis://127.0.0.1:${its_port}`,
    get pid() {
      return server.pid;
    },
    logs: () => logs + server.logs(),
    cli: async (...words) => {
      const { stdout } = await promisify(execFile)("redis-cli", ["-p", `${its_port}`, ...words]);
      return stdout.replace(/\n$/, "");
    },
    stop: async () => {
      await server.stop();
      if (!dir) removeFolder(folder);
    },
    kill: () => server.kill(),
    restart: async () => {
      await server.stop();
      logs += server.logs();
      server = await run();
    },
  };

  async function run() {
    const server = new Process("redis-server", args);
    await server.ready("accepting connections", () => /Ready to accept connections/.test(server.logs()) || undefined);
    return server;
  }
}
