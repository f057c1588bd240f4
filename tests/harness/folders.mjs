// Temporary folders, removed when the test process ends.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The repository. */
export const ROOT = new URL("../..", import.meta.url).pathname;

/** @type {Set<string>} */
const folders = new Set();
process.on("exit", () => folders.forEach(removeFolder));

/** @param {string} name */
export function temporaryFolder(name) {
  const folder = mkdtempSync(join(tmpdir(), `chatkeep-${name}-`));
  folders.add(folder);
  return folder;
}

/** @param {string} folder */
export function removeFolder(folder) {
  folders.delete(folder);
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
