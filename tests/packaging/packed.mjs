// The package as its users get it: packed, unpacked into the node_modules of an empty project, never the sources.
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, temporaryFolder } from "../harness/folders.mjs";

const NPM = { cwd: join(ROOT, "www/chatkeep"), encoding: "utf8", stdio: "pipe" };

/** A project that depends on the packed package, and on React where it says so. Returns its folder. */
export function project(name, files, linked = []) {
  const folder = temporaryFolder(name);
  const [{ filename }] = JSON.parse(execFileSync("npm", ["pack", "--json", "--pack-destination", folder], NPM));
  const installed = join(folder, "node_modules/chatkeep");
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", join(folder, filename), "--strip-components=1", "-C", installed]);
  for (const dependency of linked) {
    const link = join(folder, "node_modules", dependency);
    mkdirSync(join(link, ".."), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", dependency), link);
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name, private: true, type: "module" }));
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  return folder;
}
