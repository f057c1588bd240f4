#!/usr/bin/env node
// wasm-bindgen tells imports apart by hashes, which no compression shrinks. Numbers of the same length do as well: a
// kilobyte less to download. Arguments: the glue and the module, which are changed in step.
import { readFileSync, writeFileSync } from "node:fs";

const [glue, module] = process.argv.slice(2);
const js = readFileSync(glue, "latin1");
const hashes = [...new Set(js.match(/(?<=__wbg_\w+_)[0-9a-f]{16}(?=\b)/g))];
const numbered = (text) =>
  hashes.reduce((changed, hash, at) => changed.replaceAll(`_${hash}`, `_${String(at).padStart(16, "0")}`), text);
writeFileSync(glue, numbered(js), "latin1");
writeFileSync(module, numbered(readFileSync(module, "latin1")), "latin1");
