// Ports for servers. They are reserved across processes, and outgoing connections never get them.
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** How far above its port a Redis listens for the other servers of its cluster. */
const BUS_OFFSET = 10_000;
/** How many ports a server may find taken before its start fails. */
const MAX_ATTEMPTS = 5;
/** How long a restart waits for its own port, in milliseconds. */
const RESTART_TIMEOUT = 10_000;
/** The age in milliseconds from which the lock of a process that ended is removed. */
const STALE_AGE = 60_000;

/** A file per reserved port, with the id of the process that reserved it. */
const LOCKS = join(tmpdir(), `chatkeep-ports-${process.getuid?.() ?? 0}`);
const { first, count } = portRange(readEphemeralStart());

/** @type {Set<number>} */
const reserved = new Set();
process.on("exit", () => {
  for (const port of reserved) rmSync(lockOf(port), { force: true });
});

/**
 * Reserves a port where nobody listens, and its bus port, until this process ends.
 * @returns {Promise<number>}
 */
export async function freePort() {
  for (let attempt = 0; attempt < count * 2; attempt += 1) {
    const port = first + Math.floor(Math.random() * count);
    if (!reserve(port)) continue;
    const taken = await Promise.all([port, port + BUS_OFFSET].map(isTaken));
    if (!taken.includes(true)) return port;
    release(port);
  }
  throw new Error(`no port is free from ${first} to ${first + count - 1}; their locks are in ${LOCKS}`);
}

/**
 * Starts a server on a reserved port, and on another one when it finds that port taken.
 * @template T
 * @param {(port: number) => Promise<T>} start
 * @returns {Promise<T>}
 */
export async function onFreePort(start) {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    try {
      return await start(port);
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !saysPortTaken(String(error))) throw error;
    }
  }
}

/**
 * Starts a server again on the port that it had: clients know that one.
 * @template T
 * @param {() => Promise<T>} start
 * @returns {Promise<T>}
 */
export async function onSamePort(start) {
  for (const deadline = Date.now() + RESTART_TIMEOUT; ; await pause(100)) {
    try {
      return await start();
    } catch (error) {
      if (Date.now() > deadline || !saysPortTaken(String(error))) throw error;
    }
  }
}

/**
 * Whether a server's words say that somebody else listens on its port.
 * @param {string} words
 */
export function saysPortTaken(words) {
  return /address already in use|EADDRINUSE|port \d+ is taken/i.test(words);
}

/**
 * The ports that are given: neither they nor their bus ports are ephemeral, and no bus port is given as a port.
 * @param {number} ephemeral the first port that the system takes for outgoing connections
 */
export function portRange(ephemeral) {
  const from = Math.max(2_000, ephemeral - 2 * BUS_OFFSET - 768);
  const size = Math.min(BUS_OFFSET, ephemeral - BUS_OFFSET - from);
  // Where nearly all ports are ephemeral, the reservation and a new start on another port are all there is.
  return size < 1_000 ? { first: 12_000, count: BUS_OFFSET } : { first: from, count: size };
}

/** Returns the first port that this system takes for outgoing connections. */
export function readEphemeralStart() {
  try {
    return Number.parseInt(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8"), 10) || 32_768;
  } catch {
    return 32_768; // systems without that file begin at 49152, or at Linux's own
  }
}

/**
 * Writes the lock of a port; false where another process has it.
 * @param {number} port
 */
function reserve(port) {
  if (reserved.has(port)) return false;
  try {
    mkdirSync(LOCKS, { recursive: true });
    writeFileSync(lockOf(port), `${process.pid}`, { flag: "wx" });
    reserved.add(port);
    return true;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    removeStale(port);
    return false;
  }
}

/** @param {number} port */
function release(port) {
  reserved.delete(port);
  rmSync(lockOf(port), { force: true });
}

/**
 * Removes the lock of a process that was killed. The port is for the next who draws it.
 * @param {number} port
 */
function removeStale(port) {
  try {
    if (Date.now() - statSync(lockOf(port)).mtimeMs < STALE_AGE) return;
    const pid = Number(readFileSync(lockOf(port), "utf8"));
    if (!isRunning(pid)) rmSync(lockOf(port), { force: true });
  } catch {} // its owner removed it meanwhile
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** @param {number} port */
function lockOf(port) {
  return join(LOCKS, `${port}`);
}

/**
 * Whether somebody listens on a port, of whatever address of this machine.
 * @param {number} port
 */
async function isTaken(port) {
  for (const host of ["127.0.0.1", "::"]) if (!(await canListen(port, host))) return true;
  return false;
}

/**
 * @param {number} port
 * @param {string} host
 * @returns {Promise<boolean>}
 */
function canListen(port, host) {
  return new Promise((resolve) => {
    // Where there is no IPv6, nothing else listens on it either.
    const server = createServer().on("error", (error) => {
      resolve("code" in error && ["EAFNOSUPPORT", "EADDRNOTAVAIL"].includes(`${error.code}`));
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
