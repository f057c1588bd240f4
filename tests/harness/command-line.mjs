// The built command line of operators, `chatkeep`.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { ROOT } from "./folders.mjs";

/** Where it is built. */
export const PROGRAM = join(resolve(ROOT, process.env.CARGO_TARGET_DIR || "target"), "debug", "chatkeep");

/**
 * Runs it to its end.
 * @param {{url: string, key?: string}} deployment
 * @param {string[]} args
 * @param {string} [input] what it reads
 * @returns {Promise<{code: number, out: string, err: string}>}
 */
export function chatkeep({ url, key }, args, input = "") {
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing: run scripts/build-cli`);
  const env = { ...process.env, CHATKEEP_URL: url, CHATKEEP_API_KEY: key ?? "" };
  return new Promise((done) => {
    const child = execFile(PROGRAM, args, { env, timeout: 60_000, maxBuffer: 1 << 28 }, (error, out, err) =>
      done({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    );
    child.stdin?.on("error", () => {}); // it may end without reading
    child.stdin?.end(input);
  });
}
