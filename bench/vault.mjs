// How many turns a second one vault takes: one Durable Object, SQLite on disk, the echo; alone, and as a stream.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../tests/harness/folders.mjs";
import { table } from "./report.mjs";
import { median } from "./rounds.mjs";
import { PREFIX } from "./sessions.mjs";
import { startWorkerd } from "./workerd.mjs";

const SCRIPT = join(import.meta.dirname, "load.lua");
const OBJECTS = { VAULT: "Vault", DIRECTORY: "Directory", METRICS: "Metrics" };

/** @param {{rounds: number, seconds: number}} options */
export async function vault({ rounds, seconds }) {
  const built = join(ROOT, "crates/worker/build");
  const worker = await startWorkerd(built, { ECHO_WORD_MS: "0" }, OBJECTS);
  const run = async (/** @type {string} */ kind, /** @type {number} */ length) => {
    const args = ["-t1", "-c16", `-d${length}s`, "-s", SCRIPT, worker.url, "--", kind, PREFIX, "0", "64"];
    const { stdout } = await promisify(execFile)("wrk", args);
    const said = JSON.parse(stdout.trim().split("\n").pop() ?? "");
    if (said.failed > 0 || said.requests === 0) throw new Error(`the vault, ${kind}: wrk says\n${stdout}`);
    return { rate: said.requests / said.seconds, p50: said.p50 / 1000 };
  };
  const results = [];
  for (const kind of ["turn", "stream"]) {
    await run(kind, 1);
    const runs = [];
    for (let round = 0; round < rounds; round += 1) runs.push(await run(kind, seconds));
    results.push({ kind, rate: median(runs.map(({ rate }) => rate)), p50: median(runs.map(({ p50 }) => p50)) });
  }
  await worker.stop();
  console.log("\nOne vault, 64 sessions, 16 connections");
  table([
    ["", "turns a second", "p50, ms"],
    ...results.map(({ kind, rate, p50 }) => [kind, rate.toFixed(0), p50.toFixed(1)]),
  ]);
  return { results, targets: [] };
}
