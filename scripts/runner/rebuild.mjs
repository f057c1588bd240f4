// Builds anew what a saved source file changes: the steps of wrangler.toml's build, which skip what didn't change.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, watch } from "node:fs";
import { join } from "node:path";

/** How long it is quiet before a build begins: editors write files in pieces. */
const QUIET_MS = 200;

/**
 * Watches the folders of the sources, and builds when a file in them changes.
 * @param {string} root the repository
 * @param {() => Promise<void>} onBuilt called after a build that succeeded
 */
export function rebuildOnChange(root, onBuilt) {
  const settings = readFileSync(join(root, "wrangler.toml"), "utf8");
  const [, command = ""] = /^command = "(.*)"$/m.exec(settings) ?? [];
  const folders = [...(/^watch_dir = \[(.*)\]$/m.exec(settings)?.[1] ?? "").matchAll(/"([^"]+)"/g)].map(
    ([, path]) => path,
  );
  let changed = false;
  let building = false;
  /** @type {NodeJS.Timeout | undefined} */
  let quiet;

  const build = async () => {
    if (building) return;
    building = true;
    while (changed) {
      changed = false;
      console.log("start: a source file changed; building");
      const options = { cwd: root, detached: true, stdio: /** @type {const} */ (["ignore", "inherit", "inherit"]) };
      const child = spawn("bash", ["-c", command], options);
      const end = () => endGroup(child.pid);
      process.on("exit", end);
      const [code] = await once(child, "exit");
      process.off("exit", end);
      if (code === 0 && !changed) await onBuilt();
      if (code !== 0) console.error("start: the build failed; what was built before is still served");
    }
    building = false;
  };
  for (const folder of folders.map((path) => join(root, path)).filter((path) => existsSync(path))) {
    watch(folder, { recursive: true }, () => {
      changed = true;
      clearTimeout(quiet);
      quiet = setTimeout(build, QUIET_MS);
    });
  }
}

/** Ends a build and what it started. */
function endGroup(/** @type {number | undefined} */ pid) {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGTERM");
  } catch {} // it has ended
}
