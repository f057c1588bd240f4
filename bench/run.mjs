#!/usr/bin/env node
// `npm run bench`: what Chatkeep costs beside its peers, and how that grows. Prints tables, writes bench/results/*.json.
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cold } from "./cold.mjs";
import { buildPeers, enter } from "./contenders.mjs";
import { encryption } from "./encryption.mjs";
import { figures } from "./figures.mjs";
import { growth } from "./growth.mjs";
import { imports } from "./imports.mjs";
import { library } from "./library.mjs";
import { memory } from "./memory.mjs";
import { verdicts } from "./report.mjs";
import { KINDS, sameWork } from "./same-work.mjs";
import { sizes } from "./sizes.mjs";
import { vault } from "./vault.mjs";

/** @import { Target } from "./report.mjs" */

const SECTIONS = [...KINDS, "cold", "growth", "memory", "imports", "encryption", "figures", "library", "vault", "size"];
const USAGE = `npm run bench -- [options]
  --only ${SECTIONS.join(",")}   only these
  --rounds N        rounds of each measurement (5)
  --seconds S       how long each run of a round takes (3)
  --peers A,B       only these Workers in turn, history, list and cold
  --gateway PROFILE the gateway of the section library: native (optimised) or debug
  --results DIR     where the JSON goes (bench/results)
  --beside NAME=DIR another build of Chatkeep's Worker (a folder with index.js and index_bg.wasm), measured beside it`;

const { values } = parseArgs({
  options: {
    only: { type: "string", default: SECTIONS.join(",") },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    peers: { type: "string" },
    gateway: { type: "string", default: "native" },
    results: { type: "string", default: join(import.meta.dirname, "results") },
    beside: { type: "string", multiple: true, default: [] },
    help: { type: "boolean", default: false },
  },
});
const only = values.only.split(",");
const options = { rounds: Number(values.rounds), seconds: Number(values.seconds), peers: values.peers?.split(",") };
if (values.help || !only.every((name) => SECTIONS.includes(name)) || !(options.rounds >= 1 && options.seconds >= 1)) {
  console.error(USAGE);
  process.exit(values.help ? 0 : 2);
}
const gateway = values.gateway === "debug" ? "debug" : "native";
if (process.platform !== "linux") {
  console.error("bench: processor times are read from /proc, which only Linux has");
  process.exit(2);
}

const begun = new Date();
console.log(`${cpus().length} processors (${cpus()[0]?.model}), load ${loadavg()[0]?.toFixed(2)}`);
if (only.some((name) => !["imports", "encryption", "library", "vault", "size"].includes(name))) await buildPeers();
for (const build of values.beside) {
  const [name, folder] = build.split("=");
  enter(name, folder);
}

/** @type {Record<string, unknown>} */
const results = {};
/** @type {Target[]} */
const targets = [];
const kinds = KINDS.filter((kind) => only.includes(kind));
const sections = {
  ...(kinds.length > 0 && { same_work: () => sameWork(kinds, options) }),
  ...(only.includes("cold") && { cold: () => cold(options) }),
  ...(only.includes("growth") && { growth: () => growth(options) }),
  ...(only.includes("memory") && { memory: () => memory() }),
  ...(only.includes("imports") && { imports: () => imports() }),
  ...(only.includes("encryption") && { encryption: () => encryption(options) }),
  ...(only.includes("figures") && { figures: () => figures(options) }),
  ...(only.includes("library") && { library: () => library({ ...options, gateway }) }),
  ...(only.includes("vault") && { vault: () => vault(options) }),
  ...(only.includes("size") && { size: () => sizes() }),
};
for (const [name, section] of Object.entries(sections)) {
  const found = await section();
  results[name] = found.results;
  targets.push(...found.targets);
}

const seconds = Math.round((Date.now() - begun.getTime()) / 1000);
console.log(`\nAll ratios (${seconds} s)`);
verdicts(targets);
mkdirSync(values.results, { recursive: true });
const file = join(values.results, `${begun.toISOString().replaceAll(/[:.]/g, "-")}.json`);
const machine = { processors: cpus().length, model: cpus()[0]?.model, load: loadavg() };
writeFileSync(file, `${JSON.stringify({ begun, seconds, options, machine, targets, results }, null, 2)}\n`);
console.log(`\nwritten: ${file}`);
