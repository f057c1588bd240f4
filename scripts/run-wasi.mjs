#!/usr/bin/env -S node --no-warnings
// Runs a WASI program, with the working directory as its only folder: Cargo's runner for tests built for wasm32-wasip1.
import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";

const [, , program, ...args] = process.argv;
const wasi = new WASI({
  version: "preview1",
  args: [program, ...args],
  env: process.env,
  preopens: { ".": process.cwd(), [process.cwd()]: process.cwd() },
  returnOnExit: true,
});
const module = await WebAssembly.compile(readFileSync(program));
process.exitCode = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
