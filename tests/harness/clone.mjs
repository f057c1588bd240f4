// A clone of the working tree, as a new user has it, with the tools and what was built for it already.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT, temporaryFolder } from "./folders.mjs";

/** Where it is noted which packages are installed. */
const INSTALLED = ".installed-lock.json";

/** Gives its folder. */
export function clone() {
  const folder = temporaryFolder("clone");
  const words = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const files = execFileSync("git", words, { cwd: ROOT, encoding: "utf8" }).split("\0").filter(Boolean);
  const built = ["target/stamps", "target/tools/bin", "crates/worker/build", "www/app/dist"];
  for (const path of [...files, ...built, "www/chatkeep/wasm", "www/chatkeep/dist"]) {
    if (!existsSync(join(ROOT, path))) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(ROOT, path), join(folder, path), { recursive: true, preserveTimestamps: true });
  }
  const packages = join(folder, "node_modules");
  mkdirSync(packages);
  for (const name of readdirSync(join(ROOT, "node_modules"))) {
    if (name !== INSTALLED) symlinkSync(join(ROOT, "node_modules", name), join(packages, name));
  }
  cpSync(join(ROOT, "package-lock.json"), join(packages, INSTALLED));
  return folder;
}
