#!/usr/bin/env node
// The model decides everything and touches nothing: it depends on serde and serde_json alone (and on schemars where the API's
// description is written, which no shell asks for), and its sources name no clock, randomness, I/O or JavaScript. crates/model/clippy.toml says the same of types and methods, whatever the alias.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const ALLOWED = ["serde", "serde_json"];
const ALLOWED_WHERE_ASKED_FOR = ["schemars"];
const IMPURE =
  /\b(?:std::(?:time::(?:SystemTime|Instant)|net::(?:Tcp|Udp|ToSocket)\w+|fs|env|thread|process|io::(?:stdin|stdout|stderr))|std::\{[^}]*\b(?:fs|env|thread|process)\b|\b(?:Tcp|Udp)(?:Stream|Listener|Socket)\b|SystemTime|RandomState|(?:rand|getrandom|uuid|fastrand|js_sys|web_sys|wasm_bindgen|worker|tokio|redis_client)::|extern\s+"C"|unsafe\s*\{)/;

const metadata = JSON.parse(execFileSync("cargo", ["metadata", "--format-version=1", "--no-deps"]));
const model = metadata.packages.find((entry) => entry.name === "chatkeep-model");
const faults = model.dependencies
  .filter(({ kind, name, optional }) => {
    return kind !== "dev" && !ALLOWED.includes(name) && !(optional && ALLOWED_WHERE_ASKED_FOR.includes(name));
  })
  .map((dependency) => `crates/model/Cargo.toml: depends on ${dependency.name}`);
if (model.targets.some((target) => target.kind.includes("custom-build")))
  faults.push("crates/model has a build script");

const SOURCES = "crates/model/src";
for (const file of readdirSync(SOURCES, { recursive: true }).sort()) {
  if (!file.endsWith(".rs") || isTest(file)) continue;
  const code = readFileSync(`${SOURCES}/${file}`, "utf8").split(/^#\[cfg\(test\)\]\nmod \w+ \{/m)[0];
  code.split("\n").forEach((line, index) => {
    const name = IMPURE.exec(line.replace(/\/\/.*/, ""))?.[0];
    if (name) faults.push(`${SOURCES}/${file}:${index + 1}: ${name}`);
  });
}

for (const fault of faults) console.error(`not pure: ${fault}`);
process.exitCode = faults.length ? 1 : 0;

function isTest(file) {
  return /(^|\/)tests?(\/|\.rs$)|_tests?\.rs$/.test(file);
}
