// What a page downloads for a chat: Chatkeep's browser package beside the AI SDK's `useChat`, in the same bundler with the
// same settings. React is left out of both.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotli, bundled, gzip } from "../scripts/bundled.mjs";
import { table } from "./report.mjs";

/** @import { Target } from "./report.mjs" */

const ROOT = join(import.meta.dirname, "..");
const WASM = "www/chatkeep/wasm/chatkeep_sdk_bg.wasm";

/** What each is, what a page imports of it, and what it loads besides. */
const CONTENDERS = [
  {
    name: "chatkeep: outbox, tabs, sessions, streams",
    source: 'import { createChatkeep } from "chatkeep"; console.log(createChatkeep);',
    files: [WASM],
  },
  {
    name: "the same with chatkeep/react",
    source:
      'import { createChatkeep } from "chatkeep"; import * as react from "chatkeep/react"; console.log(createChatkeep, react);',
    files: [WASM],
  },
  { name: "useChat of ai 7", source: 'import { useChat } from "ai-sdk-react4"; console.log(useChat);', files: [] },
  { name: "useChat of ai 6", source: 'import { useChat } from "ai-sdk-react3"; console.log(useChat);', files: [] },
];

/** @returns {Promise<{results: unknown, targets: Target[]}>} */
export async function sizes() {
  const results = [];
  for (const { name, source, files } of CONTENDERS) {
    const parts = [await bundled(source, ROOT), ...files.map((file) => readFileSync(join(ROOT, file)))];
    const sum = (/** @type {(part: Buffer) => number} */ of) => parts.reduce((total, part) => total + of(part), 0);
    results.push({ name, minified: sum((part) => part.length), gzip: sum(gzip), brotli: sum(brotli) });
  }
  console.log("\nWhat a page downloads, in bytes");
  const row = (/** @type {typeof results[number]} */ { name, ...bytes }) => [name, ...Object.values(bytes).map(String)];
  table([["", "minified", "gzip", "brotli"], ...results.map(row)]);
  const [, hooks, peer] = results;
  const ratio = (hooks?.brotli ?? Number.NaN) / (peer?.brotli ?? Number.NaN);
  return {
    results,
    targets: [{ what: "chatkeep with its hooks beside useChat of ai 7, brotli", value: { median: ratio }, most: 1 }],
  };
}
