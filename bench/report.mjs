// Tables on the terminal: numbers to the right, and whether a target is met.

/** @import { Run } from "./load.mjs" */
import { spread } from "./rounds.mjs";

/**
 * @typedef {object} Target
 * @property {string} what
 * @property {{median: number, min?: number, max?: number}} value
 * @property {number} [most] absent: only shown
 */

/**
 * The first row is the head.
 * @param {string[][]} rows
 */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows) {
    console.log(`  ${row.map((cell, at) => (at ? cell.padStart(widths[at]) : cell.padEnd(widths[at]))).join("  ")}`);
  }
}

/**
 * What each candidate cost, a row each.
 * @param {string} title
 * @param {Record<string, Run[]>} runs
 */
export function costs(title, runs) {
  console.log(`\n${title} (medians of ${Object.values(runs)[0].length} rounds; in brackets least and greatest)`);
  const rows = Object.entries(runs).map(([name, all]) => {
    const of = (/** @type {(run: Run) => number} */ what) => spread(all, what);
    const worker = of((run) => run.worker);
    return [
      name,
      `${worker.median.toFixed(0)} (${worker.min.toFixed(0)}-${worker.max.toFixed(0)})`,
      of((run) => run.gateway).median.toFixed(0),
      of((run) => run.redis).median.toFixed(0),
      of((run) => run.rate).median.toFixed(0),
      (of((run) => run.p50).median / 1000).toFixed(2),
      (of((run) => run.p99).median / 1000).toFixed(2),
    ];
  });
  table([["", "workerd us", "gateway us", "redis us", "requests/s", "p50 ms", "p99 ms"], ...rows]);
}

/** @param {Target[]} targets */
export function verdicts(targets) {
  for (const { what, value, most } of targets) console.log(`  ${verdict({ what, value, most })}`);
}

/** @param {Target} target */
export function verdict({ what, value, most }) {
  const range = value.min === undefined ? "" : ` (${value.min.toFixed(2)}-${value.max?.toFixed(2)})`;
  const met = most === undefined ? "" : `   at most ${most}: ${isMet({ what, value, most }) ? "met" : "MISSED"}`;
  return `${what.padEnd(62)} ${value.median.toFixed(2)}${range}${met}`;
}

/** @param {Target} target */
export function isMet({ value, most = Number.POSITIVE_INFINITY }) {
  return value.median <= most;
}
