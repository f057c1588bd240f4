#!/usr/bin/env node
// Who may depend on whom: the shells on the model, the app on the package's public exports, the tests on neither's
// sources.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";

const faults = [];

const SEALS = ["chatkeep-model", "chatkeep-seal"];
const MAY = {
  "chatkeep-model": [],
  "chatkeep-worker": SEALS,
  "chatkeep-library": SEALS,
  "chatkeep-testkit": SEALS,
  "": ["chatkeep-model"],
};
const MAY_IN_TESTS = ["chatkeep-model", "chatkeep-testkit"];
const metadata = JSON.parse(execFileSync("cargo", ["metadata", "--format-version=1", "--no-deps"]));
for (const { name, dependencies } of metadata.packages) {
  for (const dependency of dependencies.filter((entry) => entry.name.startsWith("chatkeep-"))) {
    const may = dependency.kind === "dev" ? MAY_IN_TESTS : (MAY[name] ?? MAY[""]);
    if (!may.includes(dependency.name)) faults.push(`${name} depends on ${dependency.name}`);
  }
}

const EXPORTS = Object.keys(JSON.parse(readFileSync("www/chatkeep/package.json", "utf8")).exports);
const IMPORT = /(?:\bfrom|\bimport|\brequire\(|\bimport\(|\bnew URL\()\s*["']([^"']+)["']/g;
for (const root of ["www/app", "tests"]) {
  for (const entry of existsSync(root) ? readdirSync(root, { recursive: true }) : []) {
    const file = `${root}/${entry}`;
    if (!/\.(mjs|js|ts|tsx)$/.test(file) || /\/(node_modules|dist)\//.test(file)) continue;
    for (const [, target] of readFileSync(file, "utf8").matchAll(IMPORT)) {
      if (/^chatkeep(\/|$)/.test(target) && !EXPORTS.includes(`.${target.slice("chatkeep".length)}`)) {
        faults.push(`${file} imports ${target}, which the package doesn't export`);
      }
      if (!target.startsWith(".")) continue;
      const path = posix.join(posix.dirname(file), target);
      const source = root === "tests" ? /^(crates\/|www\/[^/]+\/src\/)/.test(path) : !path.startsWith(`${root}/`);
      if (source) faults.push(`${file} imports ${path}`);
    }
  }
}

for (const fault of faults) console.error(`wrong way: ${fault}`);
process.exitCode = faults.length ? 1 : 0;
