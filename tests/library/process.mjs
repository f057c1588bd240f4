#!/usr/bin/env node
// A process with a store: it reads calls from its input, one JSON a line ({id, method, args}), and answers each with a line.
// What the store logs comes as lines too.
import { createInterface } from "node:readline";
import { createStore } from "chatkeep/server";

const say = (/** @type {object} */ line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const options = JSON.parse(process.argv[2] ?? "{}");
/** @type {Record<string, (...args: any[]) => Promise<unknown>>} */
const store = /** @type {any} */ (createStore({ ...options, logger: (line) => say({ log: line.event_type }) }));

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, args } = JSON.parse(line);
  store[method](...args).then(
    (result) => say({ id, result }),
    (error) => say({ id, error: error.code ?? String(error) }),
  );
}
