#!/usr/bin/env node
// What a million turns cost at Upstash, from the table of costs in docs/protocol.md, which a test counts. Prints the table of
// docs/operations.md; a test compares the two.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Upstash's pay-as-you-go price for 100,000 commands, in dollars; and what its free plan gives a month. */
const PRICE = 0.2;
const FREE = 500_000;

const protocol = readFileSync(join(import.meta.dirname, "../docs/protocol.md"), "utf8");

/** Outer commands, and those with the ones inside scripts, of a row of the table. */
function cost(what) {
  const row = new RegExp(`^\\| (?:\\*\\*)?${what}(?:\\*\\*)? \\| (\\d+) \\| (\\d+) \\|`, "m").exec(protocol);
  if (!row) throw new Error(`docs/protocol.md has no row ${what}`);
  return { outer: Number(row[1]), all: Number(row[2]) };
}

const times = ({ outer, all }, count) => ({ outer: outer * count, all: all * count });
const plus = (one, other) => ({ outer: one.outer + other.outer, all: one.all + other.all });
const turn = cost("a turn");
const ROWS = [
  ["a turn", turn],
  ["a turn in a session at its cap", cost("a turn at the message cap")],
  [
    "a turn, and a history and a list each tenth turn",
    plus(turn, times(plus(cost("history of 100"), cost("list of 100")), 0.1)),
  ],
];

const dollars = (commands) => `$${((commands / 100_000) * PRICE).toFixed(2)}`;
const round = (number) => String(Math.round(number * 10) / 10);
console.log(
  "| a million of | commands each | if scripts are billed as one | if each command in them is | turns a month on the free plan |",
);
console.log("| --- | --- | --- | --- | --- |");
for (const [what, { outer, all }] of ROWS) {
  const cells = [what, `${round(outer)} to ${round(all)}`, dollars(outer * 1e6), dollars(all * 1e6)];
  const free = (commands) => Math.floor(FREE / commands).toLocaleString("en");
  console.log(`| ${[...cells, `${free(all)} to ${free(outer)}`].join(" | ")} |`);
}
