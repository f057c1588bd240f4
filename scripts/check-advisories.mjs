#!/usr/bin/env node
// Known faults of what is depended on: `scripts/check-advisories.mjs cargo` asks RustSec's database, `... npm` the npm registry. Where the
// database can't be reached nothing was checked, which is neither good nor bad: the exit code is 77.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const NOT_CHECKED = 77;

const [which] = process.argv.slice(2);
process.exitCode = which === "npm" ? npm() : cargo("Cargo.toml") || cargo("fuzz/Cargo.toml");

/** @param {string} manifest */
function cargo(manifest) {
  const { status, stdout, stderr } = run("cargo", [
    "deny",
    "--locked",
    "--manifest-path",
    manifest,
    "check",
    "advisories",
  ]);
  if (status === 0) return 0;
  if (status === null || /advisory database/.test(stderr)) return notChecked("the RustSec database can't be reached");
  console.error(`${manifest}:\n${stdout}${stderr}`);
  return 1;
}

function npm() {
  const { status, stdout, stderr } = run("npm", ["audit", "--json"]);
  let report;
  try {
    report = JSON.parse(stdout);
  } catch {}
  if (!report?.auditReportVersion) {
    // What npm says itself names the registry.
    const code = /\b[45]\d\d\b/.exec(stderr)?.[0];
    return notChecked(`the npm registry gives no audit${code ? `: it answers ${code}` : ""}`);
  }
  for (const { name, severity, range } of Object.values(report.vulnerabilities)) {
    console.error(`${name} ${range}: ${severity}`);
  }
  return status === 0 ? 0 : 1;
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  const PATH = `${join(ROOT, "target/cargo-tools/bin")}:${process.env.PATH}`;
  const env = { ...process.env, PATH, GIT_TERMINAL_PROMPT: "0" };
  return spawnSync(command, args, { cwd: ROOT, encoding: "utf8", env, timeout: 60_000, maxBuffer: 1 << 28 });
}

/** @param {string} reason */
function notChecked(reason) {
  console.log(`not checked: ${reason}`);
  return NOT_CHECKED;
}
