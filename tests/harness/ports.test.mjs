// Ports are reserved: suites that run at the same time never take each other's, nor do outgoing connections.
import assert from "node:assert/strict";
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "./folders.mjs";
import { freePort, onFreePort, onSamePort, portRange, readEphemeralStart } from "./ports.mjs";
import { Process } from "./processes.mjs";

const PORTS = new URL("./ports.mjs", import.meta.url).href;
const BUS_OFFSET = 10_000;

/**
 * Starts a process that reserves ports, says which, and holds them until it is told to stop.
 * @param {number} count
 * @param {Record<string, string>} [env]
 */
function startReserving(count, env = {}) {
  const script = `
    import { freePort } from ${JSON.stringify(PORTS)};
    const ports = [];
    while (ports.length < ${count}) ports.push(await freePort());
    console.log(JSON.stringify(ports));
    setInterval(() => {}, 60_000);`;
  return new Process(process.execPath, ["--input-type=module", "-e", script], { env: { ...process.env, ...env } });
}

/**
 * @param {Process} holder
 * @returns {Promise<number[]>}
 */
function portsOf(holder) {
  return holder.ready("holding ports", () => (/^\[.*\]$/m.test(holder.logs()) ? JSON.parse(holder.logs()) : undefined));
}

/** @param {number} port */
async function listen(port) {
  const server = createServer();
  await new Promise((listening) => server.listen(port, "127.0.0.1", () => listening(undefined)));
  return { close: () => new Promise((closed) => server.close(closed)) };
}

/**
 * Starts a redis-server on a port.
 * @param {number} port
 */
async function startOn(port) {
  const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--cluster-enabled", "yes"];
  const server = new Process("redis-server", [...args, "--dir", temporaryFolder("ports")]);
  await server.ready("accepting connections", () => /Ready to accept connections/.test(server.logs()) || undefined);
  return server;
}

test("processes that run at the same time never reserve the same port", async () => {
  const holders = [1, 2, 3].map(() => startReserving(60));
  const ports = (await Promise.all(holders.map(portsOf))).flat();
  for (const holder of holders) await holder.stop();
  assert.equal(new Set(ports).size, 180);
});

test("neither a port nor its bus port is ephemeral or given twice", () => {
  for (const ephemeral of [32_768, 49_152, 20_000]) {
    const { first, count } = portRange(ephemeral);
    assert.ok(count >= 1_000 && first >= 1_024, `${ephemeral}`);
    assert.ok(first + count <= first + BUS_OFFSET, "a bus port is given as a port");
    assert.ok(first + count - 1 + BUS_OFFSET < ephemeral, `${ephemeral}: a bus port is ephemeral`);
  }
  assert.equal(portRange(1_024).count, BUS_OFFSET, "nearly all ports are ephemeral");
});

test("a port whose bus port is taken is not given", async () => {
  const port = await freePort();
  const bus = await listen(port + BUS_OFFSET);
  try {
    await assert.rejects(startOn(port), /found its port taken[\s\S]*Address already in use/);
  } finally {
    await bus.close();
  }
});

test("a server that finds its port taken is started on another", async () => {
  const tried = /** @type {number[]} */ ([]);
  const taken = await freePort();
  const there = await listen(taken);
  try {
    const server = await onFreePort((port) => {
      tried.push(port);
      return startOn(tried.length === 1 ? taken : port);
    });
    await server.stop();
    assert.equal(tried.length, 2);
  } finally {
    await there.close();
  }
});

test("a restarted server waits for its own port", async () => {
  const port = await freePort();
  const there = await listen(port);
  let attempts = 0;
  const server = await onSamePort(async () => {
    attempts += 1;
    if (attempts === 2) await there.close();
    return startOn(port);
  });
  await server.stop();
  assert.equal(attempts, 2);
});

test("locks of processes that were killed are removed, those of running ones are kept", async () => {
  const { first, count } = portRange(readEphemeralStart());
  const ended = new Process("true", []);
  await ended.stop();
  for (const [pid, seen] of [
    [ended.pid, "a port"],
    [process.pid, "none"],
  ]) {
    const TMPDIR = temporaryFolder("locks");
    const folder = join(TMPDIR, `chatkeep-ports-${process.getuid?.() ?? 0}`);
    mkdirSync(folder);
    for (let port = first; port < first + count; port += 1) {
      writeFileSync(join(folder, `${port}`), `${pid}`);
      utimesSync(join(folder, `${port}`), 0, 0);
    }
    const holder = startReserving(1, { TMPDIR });
    const found = await portsOf(holder).then(
      () => "a port",
      (error) => (/no port is free/.test(error.message) ? "none" : error.message),
    );
    await holder.stop();
    assert.equal(found, seen);
  }
});
