#!/usr/bin/env node
// The licences, bans and sources of deny.toml, for what is delivered and for fuzz/: by cargo-deny, or, where that can't be installed,
// by reading `cargo metadata`.
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

if (spawnSync("scripts/setup-cargo-tools", { stdio: "inherit" }).status === 0) {
  process.env.PATH = `target/cargo-tools/bin:${process.env.PATH}`;
  const denied = ["Cargo.toml", "fuzz/Cargo.toml"].filter((manifest) => {
    const check = ["check", "bans", "licenses", "sources"];
    const args = ["deny", "--locked", "--log-level", "error", "--manifest-path", manifest, ...check];
    return spawnSync("cargo", args, { stdio: "inherit" }).status !== 0;
  });
  process.exit(denied.length ? 1 : 0);
}

const policy = readFileSync("deny.toml", "utf8");
const allowed = strings(/^allow = \[([^\]]*)\]/m.exec(policy)?.[1] ?? "");
const bans = [...policy.matchAll(/\{ crate = "([^"]+)"(?:, wrappers = \[([^\]]*)\])? \}/g)];
if (!allowed.length || !bans.length) throw new Error("deny.toml: found no licences or no bans");

const metadata = JSON.parse(
  execFileSync("cargo", ["metadata", "--format-version=1", "--locked"], { maxBuffer: 1 << 28 }),
);
const packages = new Map(metadata.packages.map((entry) => [entry.id, entry]));
const faults = [];

for (const { name, version, license, source } of packages.values()) {
  if (!license || !holds(license)) faults.push(`${name} ${version}: licence ${license ?? "not stated"}`);
  if (source && !source.startsWith("registry+") && !source.startsWith("sparse+"))
    faults.push(`${name} ${version}: from ${source}`);
}
for (const { id, deps } of metadata.resolve.nodes) {
  const user = packages.get(id);
  for (const dependency of deps) {
    const used = packages.get(dependency.pkg);
    const ban = bans.find(([, name]) => name === used.name);
    if (ban && !strings(ban[2] ?? "").includes(user.name))
      faults.push(`${user.name} ${user.version} uses ${used.name}, which is banned`);
  }
}

for (const fault of faults.sort()) console.error(`deny.toml: ${fault}`);
process.exitCode = faults.length ? 1 : 0;

function strings(list) {
  return [...list.matchAll(/"([^"]*)"/g)].map((match) => match[1]);
}

/** Whether an SPDX expression is satisfied by the allowed licences: `AND` binds before `OR`, `/` is an old `OR`. */
function holds(expression) {
  const flat = (terms) =>
    terms
      .split(" OR ")
      .some((part) => part.split(" AND ").every((term) => term.trim() === "yes" || allowed.includes(term.trim())));
  let terms = expression.replaceAll("/", " OR ");
  while (terms.includes("(")) {
    const inner = terms.replace(/\(([^()]*)\)/, (_, group) => (flat(group) ? "yes" : "no"));
    if (inner === terms) return false;
    terms = inner;
  }
  return flat(terms);
}
