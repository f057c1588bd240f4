// What imports cost in memory: ten of 32 MB at once, of five users, into the vault. Looked at is how far workerd's memory grows.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setInterval as every } from "node:timers";
import { ROOT } from "../tests/harness/folders.mjs";
import { startWorkerd } from "./workerd.mjs";

/** @import { Target } from "./report.mjs" */

const KEY = "bench-key-imports";
const BYTES = 32e6;
const PIECE = 65_536;

/** How far it may grow: an isolate's memory on Cloudflare. */
const LIMIT = 128;

/**
 * The lines of an export of so many bytes.
 * @param {string} name
 * @param {number} characters of each message
 */
function* lines(name, characters) {
  const content = "x".repeat(characters);
  const perSession = Math.min(900, Math.floor(20e6 / characters));
  for (let bytes = 0, session = 0; ; session += 1) {
    const id = `${name}-${session}`;
    yield `{"session":{"session_id":"${id}","created_ms":1,"updated_ms":1}}\n`;
    for (let position = 0; position < perSession; position += 1) {
      const created = "2026-01-01T00:00:00.000Z";
      const message = { id: `m${position}`, role: "assistant", content, created };
      const line = `${JSON.stringify({ message: { session_id: id, position, message } })}\n`;
      bytes += line.length;
      if (bytes > BYTES) return;
      yield line;
    }
  }
}

/**
 * The same as a stream of bytes.
 * @param {Generator<string>} text
 */
function pieces(text) {
  const encoder = new TextEncoder();
  return new ReadableStream({
    pull(controller) {
      let piece = "";
      while (piece.length < PIECE) {
        const { value, done } = text.next();
        if (done) {
          if (piece) controller.enqueue(encoder.encode(piece));
          controller.close();
          return;
        }
        piece += value;
      }
      controller.enqueue(encoder.encode(piece));
    },
  });
}

/** The resident memory of a process, in MB. @param {number} pid */
const resident = (pid) => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

/**
 * @param {{folder?: string}} [options] another build of the Worker
 * @returns {Promise<{targets: Target[], results: object}>}
 */
export async function imports({ folder = join(ROOT, "crates", "worker", "build") } = {}) {
  /** @type {Target[]} */
  const targets = [];
  const results = [];
  for (const [what, characters] of /** @type {const} */ ([
    ["messages of 2 kB", 2_000],
    ["messages of 890 kB", 890_000],
  ])) {
    const objects = { VAULT: "Vault", DIRECTORY: "Directory", METRICS: "Metrics" };
    const worker = await startWorkerd(folder, { API_KEYS: KEY, UNDO_SECONDS: "0" }, objects);
    try {
      const bring = async (/** @type {string} */ name, /** @type {string} */ user) => {
        const headers = { "x-api-key": KEY, "chatkeep-user": user };
        /** @type {RequestInit & {duplex: "half"}} */
        const sent = { method: "POST", headers, body: pieces(lines(name, characters)), duplex: "half" };
        const answer = await fetch(`${worker.url}/v1/import`, sent);
        const body = await answer.json();
        assert.equal(answer.status, 200, JSON.stringify(body));
        return body.messages;
      };
      // What the first requests compile and allocate is there already.
      await bring("warm", "warm");
      const before = resident(worker.pid);
      let peak = before;
      const timer = every(() => (peak = Math.max(peak, resident(worker.pid))), 50);
      const begun = performance.now();
      const messages = await Promise.all(
        Array.from({ length: 10 }, (_, number) => bring(`i${number}`, `user-${number % 5}`)),
      );
      clearInterval(timer);
      const seconds = (performance.now() - begun) / 1000;
      const growth = peak - before;
      results.push({ what, before, peak, growth, seconds, messages: messages.reduce((sum, count) => sum + count, 0) });
      console.log(
        `ten imports of 32 MB, ${what}: ${before.toFixed(0)} MB, at most ${peak.toFixed(0)} MB, ${seconds.toFixed(1)} s`,
      );
      targets.push({ what: `imports: growth of workerd in MB, ${what}`, value: { median: growth }, most: LIMIT });
    } finally {
      await worker.stop();
    }
  }
  return { targets, results };
}
