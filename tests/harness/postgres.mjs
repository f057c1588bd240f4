// A real PostgreSQL in a temporary folder.
import { execFile, execFileSync } from "node:child_process";
import { chownSync, globSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { removeFolder, temporaryFolder } from "./folders.mjs";
import { onFreePort } from "./ports.mjs";
import { Process } from "./processes.mjs";

/**
 * @typedef {object} Postgres
 * @property {(statement: string, variables?: Record<string, string>) => Promise<string>} sql runs a statement, in which
 *   `:'name'` stands for a variable, and gives what psql prints, bare
 * @property {() => Promise<void>} stop
 */

/** @returns {Promise<Postgres>} */
export async function startPostgres() {
  const folder = temporaryFolder("postgres");
  const found = globSync("/usr/lib/postgresql/*/bin/initdb").sort().at(-1);
  const program = (/** @type {string} */ name) => (found ? join(dirname(found), name) : name);
  // PostgreSQL runs under no circumstances as root.
  const ids = process.getuid?.() === 0 ? identity("nobody") : {};
  if (ids.uid !== undefined && ids.gid !== undefined) chownSync(folder, ids.uid, ids.gid);
  const data = join(folder, "data");
  execFileSync(program("initdb"), ["-D", data, "-U", "chatkeep", "-A", "trust", "-E", "UTF8"], {
    ...ids,
    stdio: "pipe",
  });
  const args = ["-D", data, "-k", folder, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"];
  const { server, port } = await onFreePort(async (port) => {
    const server = new Process(program("postgres"), [...args, "-p", `${port}`], { ...ids, cwd: folder });
    await server.ready("accepting", () => /ready to accept connections/.test(server.logs()) || undefined);
    return { server, port };
  });

  const connection = ["-h", "127.0.0.1", "-p", `${port}`, "-U", "chatkeep", "-d", "postgres"];
  return {
    sql: async (statement, variables = {}) => {
      const args = [...connection, "-qAtX", "-v", "ON_ERROR_STOP=1"];
      for (const [name, value] of Object.entries(variables)) args.push("-v", `${name}=${value}`);
      const psql = promisify(execFile)(program("psql"), args, { maxBuffer: 1 << 26 });
      psql.child.stdin?.end(statement); // variables count in a script, not in -c
      return (await psql).stdout.trim();
    },
    stop: async () => {
      await server.stop();
      removeFolder(folder);
    },
  };
}

/** @param {string} user */
function identity(user) {
  const number = (/** @type {string} */ flag) => Number(execFileSync("id", [flag, user], { encoding: "utf8" }));
  return { uid: number("-u"), gid: number("-g") };
}
