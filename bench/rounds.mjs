// Rounds: every candidate once a round, each round in another order, so that what disturbs the machine disturbs all.
import { load } from "./load.mjs";

/** @import { Contender } from "./contenders.mjs" */
/** @import { Run } from "./load.mjs" */

/**
 * @typedef {object} Candidate
 * @property {string} name
 * @property {Contender} contender
 * @property {() => (string | number)[] | Promise<(string | number)[]>} request the arguments of load.lua, asked for before each run
 */

/**
 * @param {string} title
 * @param {Candidate[]} candidates
 * @param {{rounds: number, seconds: number, connections?: number}} options
 * @returns {Promise<Record<string, Run[]>>} by name, in the order of the rounds
 */
export async function alternate(title, candidates, { rounds, seconds, connections }) {
  for (const { contender, request } of candidates) {
    await load(contender, await request(), { seconds: Math.min(seconds, 2), connections });
  }
  /** @type {Record<string, Run[]>} */
  const runs = Object.fromEntries(candidates.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < candidates.length; turn += 1) {
      const { name, contender, request } = candidates[(turn + round) % candidates.length];
      const run = await load(contender, await request(), { seconds, connections });
      runs[name].push(run);
      const busy = run.others > 0.15 ? `   (others use ${run.others.toFixed(1)} processors)` : "";
      const rate = `${run.rate.toFixed(0)}/s`.padStart(8);
      console.log(
        `  ${title} ${round + 1}/${rounds}  ${name.padEnd(16)} ${run.worker.toFixed(0).padStart(6)} us ${rate}${busy}`,
      );
    }
  }
  return runs;
}

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * The median, least and greatest of what each run has.
 * @param {Run[]} runs
 * @param {(run: Run) => number} what
 */
export function spread(runs, what) {
  const values = runs.map(what);
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * How many times as much one takes as the other, round by round: runs of one round met the same machine.
 * @template T
 * @param {T[]} runs
 * @param {T[]} others
 * @param {(run: T) => number} what
 */
export function ratio(runs, others, what) {
  const ratios = runs.map((run, round) => what(run) / what(others[round]));
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}
