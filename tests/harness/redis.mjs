// A real redis-server in a temporary folder, or three of them as a cluster.
import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually } from "./api.mjs";
import { removeFolder, temporaryFolder } from "./folders.mjs";
import { freePort, onFreePort, onSamePort } from "./ports.mjs";
import { Process } from "./processes.mjs";

/** @import { Certificates } from "./certificates.mjs" */

/**
 * @typedef {object} Redis
 * @property {number} port
 * @property {number} tlsPort where it listens by TLS; 0 where it doesn't
 * @property {string} dir
 * @property {string} url
 * @property {number} pid of the one that runs now
 * @property {() => string} logs
 * @property {(...args: string[]) => Promise<string>} cli runs redis-cli and gives what it prints
 * @property {() => Promise<void>} stop ends it and removes its folder
 * @property {() => Promise<void>} kill ends it as a crash would
 * @property {() => Promise<void>} restart starts it again, on the same port and folder; ends it first if it runs
 * @property {() => Promise<void>} empty starts it again without what it had; ends it first if it runs
 */

/**
 * @param {{appendonly?: boolean, cluster?: boolean, certificates?: Certificates, args?: string[]}} [options]
 *   `appendonly` writes every command to disk before it is answered; without it nothing is kept; `cluster` lets it join one;
 *   with `certificates` it listens by TLS too; `args` are more of its own
 * @returns {Promise<Redis>}
 */
export async function startRedis({ appendonly = false, cluster = false, certificates, args: more = [] } = {}) {
  const folder = temporaryFolder("redis");
  const args = ["--bind", "127.0.0.1", "--dir", folder, "--save", ""];
  args.push(...(appendonly ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"]));
  if (cluster) args.push("--cluster-enabled", "yes", "--cluster-node-timeout", "1000");
  args.push(...more);

  let logs = "";
  let port = 0;
  let tlsPort = 0;
  let server = await onFreePort(async (free) => {
    port = free;
    if (certificates) tlsPort = await freePort();
    return run();
  });
  return {
    port,
    tlsPort,
    dir: folder,
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return server.pid;
    },
    logs: () => logs + server.logs(),
    cli: (...words) => redisCli("-p", `${port}`, ...words),
    stop: async () => {
      await server.stop();
      removeFolder(folder);
    },
    kill: () => server.kill(),
    restart: async () => {
      await server.stop();
      logs += server.logs();
      server = await onSamePort(run);
    },
    empty: async () => {
      await server.stop();
      logs += server.logs();
      rmSync(join(folder, "appendonlydir"), { recursive: true, force: true });
      server = await onSamePort(run);
    },
  };

  async function run() {
    const tls = certificates?.redis(tlsPort) ?? [];
    const server = new Process("redis-server", ["--port", `${port}`, ...args, ...tls]);
    await server.ready("accepting connections", () => /Ready to accept connections/.test(server.logs()) || undefined);
    return server;
  }
}

/**
 * @typedef {object} RedisCluster
 * @property {Redis[]} servers
 * @property {string} url
 * @property {(key: string) => Promise<Redis>} serverOf the one that has a key
 * @property {(key: string) => Promise<void>} moveSlotOf moves a key's slot, with all its keys, to the next server
 * @property {() => Promise<void>} stop
 */

/**
 * A Redis Cluster of three servers.
 * @returns {Promise<RedisCluster>}
 */
export async function startRedisCluster() {
  /** @type {Redis[]} */
  const servers = [];
  for (let number = 0; number < 3; number += 1) servers.push(await startRedis({ cluster: true }));
  const places = servers.map(({ port }) => `127.0.0.1:${port}`);
  await redisCli("--cluster", "create", ...places, "--cluster-yes");
  for (const { cli } of servers) {
    await eventually(
      () => cli("CLUSTER", "INFO"),
      (info) => info.includes("cluster_state:ok"),
    );
  }
  const serverOf = async (/** @type {string} */ key) => {
    const slot = await servers[0].cli("CLUSTER", "KEYSLOT", key);
    for (const server of servers) {
      const [, own] = / myself,.* connected (.*)$/m.exec(await server.cli("CLUSTER", "NODES")) ?? [];
      const ranges = (own ?? "").split(" ").map((range) => range.split("-").map(Number));
      if (ranges.some(([from, to = from]) => Number(slot) >= from && Number(slot) <= to)) return server;
    }
    throw new Error(`nobody has the slot of ${key}`);
  };
  return {
    servers,
    url: `redis+cluster://${places.join(",")}`,
    serverOf,
    moveSlotOf: async (key) => {
      const slot = await servers[0].cli("CLUSTER", "KEYSLOT", key);
      const from = await serverOf(key);
      const to = servers[(servers.indexOf(from) + 1) % servers.length];
      const [source, target] = await Promise.all([from, to].map(({ cli }) => cli("CLUSTER", "MYID")));
      await to.cli("CLUSTER", "SETSLOT", slot, "IMPORTING", source);
      await from.cli("CLUSTER", "SETSLOT", slot, "MIGRATING", target);
      for (;;) {
        const keys = (await from.cli("CLUSTER", "GETKEYSINSLOT", slot, "100")).split("\n").filter(Boolean);
        if (keys.length === 0) break;
        await from.cli("MIGRATE", "127.0.0.1", `${to.port}`, "", "0", "5000", "KEYS", ...keys);
      }
      for (const { cli } of [to, from]) await cli("CLUSTER", "SETSLOT", slot, "NODE", target);
    },
    stop: async () => {
      for (const server of servers) await server.stop();
    },
  };
}

/** @param {string[]} words */
async function redisCli(...words) {
  const { stdout } = await promisify(execFile)("redis-cli", words);
  return stdout.replace(/\n$/, "");
}
