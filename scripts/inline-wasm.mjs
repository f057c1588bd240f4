#!/usr/bin/env node
// Writes a wasm file as a JavaScript module, for bundlers of servers: what they make of a file beside a module differs too
// much. Usage: scripts/inline-wasm.mjs FILE.wasm MODULE
import { readFileSync, writeFileSync } from "node:fs";

const [wasm, module] = process.argv.slice(2);
const text = readFileSync(wasm).toString("base64");
writeFileSync(
  `${module}.js`,
  `/** The bytes of the WebAssembly module. */
export function bytes() {
  const text = atob("${text}");
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}
`,
);
writeFileSync(
  `${module}.d.ts`,
  `/** The bytes of the WebAssembly module. */
export declare function bytes(): Uint8Array<ArrayBuffer>;
`,
);
