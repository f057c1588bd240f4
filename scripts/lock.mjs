#!/usr/bin/env node
// Writes package-lock.json anew after a change of dependencies. Two things that plain npm does not do:
// it keeps the addresses of the registry in use out of the file (name, version and hash say enough), and it enters the
// optional packages of other platforms by name when the registry in use lacks them, because `npm ci` refuses a lock
// file that doesn't name them all.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const FILE = new URL("../package-lock.json", import.meta.url);
const ROOT = new URL("..", import.meta.url);

npmWritesTheLock();
let lock = JSON.parse(readFileSync(FILE, "utf8"));
const added = [];
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(path, name)) continue;
    lock.packages[`node_modules/${name}`] = { version, ...platform(name), optional: true };
    added.push(`${name}@${version}`);
  }
}
writeFileSync(FILE, JSON.stringify(lock));

npmWritesTheLock();
lock = JSON.parse(readFileSync(FILE, "utf8"));
for (const entry of Object.values(lock.packages)) if (!entry.link) delete entry.resolved;
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`package-lock.json: ${Object.keys(lock.packages).length - 1} packages`);
if (added.length) console.log(`by name alone: ${added.join(", ")}`);

function npmWritesTheLock() {
  execFileSync("npm", ["install", "--package-lock-only", "--loglevel=error"], { cwd: ROOT, stdio: "inherit" });
}

/** Whether Node's resolution from `path` finds `name` in the lock file. */
function isLocked(path, name) {
  for (let at = path; ; at = at.slice(0, Math.max(at.lastIndexOf("/node_modules/"), 0))) {
    if (lock.packages[at ? `${at}/node_modules/${name}` : `node_modules/${name}`]) return true;
    if (!at) return false;
  }
}

/** The `os`, `cpu` and `libc` that a platform package's name tells, so that npm leaves it out elsewhere. */
function platform(name) {
  const words = name.split(/[-/]/);
  const os = [
    "linux",
    "darwin",
    "win32",
    "windows",
    "android",
    "freebsd",
    "openbsd",
    "netbsd",
    "sunos",
    "aix",
    "openharmony",
  ].find((word) => words.includes(word));
  const cpu = [
    "x64",
    "64",
    "arm64",
    "arm",
    "ia32",
    "ppc64",
    "ppc64le",
    "s390x",
    "riscv64",
    "loong64",
    "wasm32",
    "mips64el",
  ].find((word) => words.includes(word));
  if (!os && cpu !== "wasm32")
    throw new Error(`${name}: no platform in the name of an optional package that the registry lacks`);
  return {
    ...(cpu ? { cpu: [cpu === "64" ? "x64" : cpu] } : {}),
    ...(os ? { os: [os === "windows" ? "win32" : os] } : {}),
    ...(words.includes("musl") ? { libc: ["musl"] } : {}),
  };
}
