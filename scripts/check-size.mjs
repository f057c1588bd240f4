#!/usr/bin/env node
// What a visitor downloads and what an isolate parses, against size-budget.json. What is measured is loaded too: a module
// that engines refuse has no size.
import { readFileSync } from "node:fs";
import { brotli, bundled, gzip } from "./bundled.mjs";

const WORKER = ["crates/worker/build/index_bg.wasm", "crates/worker/build/index.js"].map((file) => readFileSync(file));
const SDK_WASM = readFileSync("www/chatkeep/wasm/chatkeep_sdk_bg.wasm");

await WebAssembly.compile(WORKER[0]);
const glue = await import("../www/chatkeep/wasm/chatkeep_sdk.js");
const loaded = glue.initSync({ module: SDK_WASM });
if (!(loaded.memory instanceof WebAssembly.Memory)) throw new Error("the SDK's wasm has no memory");

const LIBRARY_WASM = readFileSync("www/chatkeep/wasm-server/chatkeep_library_bg.wasm");
const library = await import("../www/chatkeep/wasm-server/chatkeep_library.js");
library.initSync({ module: LIBRARY_WASM });
if (!library.variables().includes("REDIS_URL")) throw new Error("the library's wasm doesn't say what it reads");

const sdk_js = brotli(await packed('import * as sdk from "./index.js"; console.log(sdk);'));
const both_js = brotli(
  await packed('import * as sdk from "./index.js"; import * as react from "./react.js"; console.log(sdk, react);'),
);
const events_js = brotli(
  await packed('import * as sdk from "./index.js"; import * as events from "./events.js"; console.log(sdk, events);'),
);
const sizes = {
  worker: WORKER.reduce((sum, file) => sum + gzip(file), 0),
  sdk: brotli(SDK_WASM) + sdk_js,
  react: both_js - sdk_js,
  events: events_js - sdk_js,
  library:
    gzip(LIBRARY_WASM) +
    gzip(await packed('import * as server from "./server/edge.js"; console.log(server);', ["*.wasm?module"])),
};

const readme = readFileSync("README.md", "utf8");
for (const [name, { what, bytes }] of Object.entries(JSON.parse(readFileSync("size-budget.json", "utf8")))) {
  const over = !(sizes[name] <= bytes);
  console.log(`size    ${name}: ${sizes[name]} of ${bytes} bytes (${what})${over ? ": OVER BUDGET" : ""}`);
  const said = `${(bytes / 1000).toFixed(1)} kB`;
  if (!readme.includes(said)) console.log(`size    ${name}: README.md doesn't say its limit, ${said}`);
  if (over || !readme.includes(said)) process.exitCode = 1;
}

/** A module on the built package, bundled. */
function packed(contents, external) {
  return bundled(contents, "www/chatkeep/dist", external);
}
