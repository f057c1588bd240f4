#!/usr/bin/env node
// Runs the test suites one after another on what is built, and ends with one line: how many tests passed and failed.
// `--store vault` or `--store redis` runs what runs on both stores on one of them.
import { spawn, spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { delimiter, join } from "node:path";

const EXIT = new URL("../tests/harness/exit.mjs", import.meta.url).href;

const cargo = (...args) => ["cargo", ["test", ...(process.env.CI ? ["--locked"] : []), ...args]];
const node = (pattern) => {
  const files = globSync(pattern).sort();
  return [
    "node",
    ["--import", EXIT, "--test", "--test-concurrency=1", "--test-timeout=900000", "--test-reporter=spec", ...files],
    files.length,
  ];
};
const SUITES = {
  model: cargo("-p", "chatkeep-model"),
  "model-wasm": cargo("-p", "chatkeep-model", "--target", "wasm32-wasip1", "--lib"),
  testkit: cargo("-p", "chatkeep-testkit"),
  gateway: cargo("-p", "chatkeep-gateway", "-p", "chatkeep-cli"),
  harness: node("tests/harness/*.test.mjs"),
  clients: node("tests/gateway/*.test.mjs"),
  app: node("www/app/src/**/*.test.mjs"),
  library: node("tests/library/*.test.mjs"),
  cli: node("tests/cli/*.test.mjs"),
  worker: node("tests/worker/*.test.mjs"),
  dialects: node("tests/dialects/*.test.mjs"),
  browser: node("tests/browser/*.test.mjs"),
  packaging: node("tests/packaging/*.test.mjs"),
  check: ["scripts/check", []],
};
const SUMMARIES = [
  { line: /^test result: \w+\. (\d+) passed; (\d+) failed/gm, passed: 1, failed: 2 }, // cargo test, once a binary
  { line: /^ℹ pass (\d+)\n(?:ℹ .*\n)*?ℹ fail (\d+)\n(?:ℹ cancelled (\d+)\n)?/gm, passed: 1, failed: 2, more: 3 }, // node --test
  { line: /^checks: (\d+) ok, (\d+) failed/gm, passed: 1, failed: 2 },
];

const option = (name) => {
  const at = process.argv.indexOf(name);
  return at > 0 ? (process.argv[at + 1] ?? "") : undefined;
};
const store = option("--store");
if (store !== undefined && store !== "vault" && store !== "redis") {
  console.error(`test: no store ${store}. There are: vault, redis`);
  process.exit(2);
}
// Where there is a choice of store, the tests of the stores are what is meant.
const only = option("--only")?.split(",") ?? (store ? ["worker", "dialects"] : Object.keys(SUITES));
const unknown = only.filter((name) => !(name in SUITES));
if (unknown.length) {
  console.error(`test: no suite ${unknown.join(", ")}. There are: ${Object.keys(SUITES).join(", ")}`);
  process.exit(2);
}

// Tests that need a Redis that isn't there have failed: they don't pass, and they aren't left out.
const no_redis = store !== "vault" && spawnSync("redis-server", ["--version"]).status !== 0;
if (no_redis) console.error("test: there is no redis-server on the PATH: every test that needs one will fail");

const environment = {
  ...process.env,
  ...(store && { CHATKEEP_STORE: store }),
  // By name and PATH, because Cargo splits what it is given at spaces.
  CARGO_TARGET_WASM32_WASIP1_RUNNER: "run-wasi.mjs",
  PATH: [import.meta.dirname, join(import.meta.dirname, "../node_modules/.bin"), process.env.PATH].join(delimiter),
};
delete environment.NODE_TEST_CONTEXT; // set when this is run by a test: node --test would then report to nobody
const rows = [];
for (const name of only) {
  const [program, args, files] = SUITES[name];
  console.log(`\n=== ${name} ===`);
  const begin = Date.now();
  const { code, output } = files === 0 ? { code: 1, output: "" } : await run(program, args);
  const { passed, failed } = count(output);
  // A suite that broke off, or that ran nothing, has failed even when no test in it did.
  const broken = failed === 0 && (code !== 0 || passed === 0);
  rows.push({
    name,
    passed,
    failed: failed + (broken ? 1 : 0),
    broken,
    seconds: Math.round((Date.now() - begin) / 1000),
  });
}

console.log("");
for (const { name, passed, failed, broken, seconds } of rows) {
  const note = broken ? (passed ? " (it broke off)" : " (it ran no test)") : "";
  console.log(
    `${name.padEnd(12)} ${String(passed).padStart(4)} ok ${String(failed).padStart(4)} not ok ${String(seconds).padStart(5)} s${note}`,
  );
}
const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
if (no_redis) console.log("\nredis-server is missing: what needs it failed for that reason");
console.log(`\n${sum("passed")} passed, ${sum("failed")} failed`);
process.exitCode = sum("failed") ? 1 : 0;

function run(program, args) {
  return new Promise((resolve) => {
    let output = "";
    const child = spawn(program, args, { env: environment, stdio: ["ignore", "pipe", "inherit"] });
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
      process.stdout.write(text);
    });
    child.on("error", (error) => console.error(`${program}: ${error.message}`) ?? resolve({ code: 1, output }));
    child.on("close", (code) => resolve({ code, output }));
  });
}

function count(output) {
  const counts = { passed: 0, failed: 0 };
  for (const { line, passed, failed, more } of SUMMARIES) {
    for (const match of output.matchAll(line)) {
      counts.passed += Number(match[passed]);
      counts.failed += Number(match[failed]) + Number(match[more] ?? 0);
    }
  }
  return counts;
}
