// The TypeScript compiler on a project that uses the packed package.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../harness/folders.mjs";
import { project } from "./packed.mjs";

export const RESOLUTIONS = {
  bundler: { module: "esnext", moduleResolution: "bundler" },
  node16: { module: "node16", moduleResolution: "node16" },
};

/** A project with these sources, whose types can be checked. */
export function typedProject(name, files, more = []) {
  return project(name, files, ["react", "react-dom", "@types/react", "@types/react-dom", "csstype", ...more]);
}

/** What the compiler has to say; nothing when all is well. Declarations are checked too, unless others' are among them. */
export function typeErrors(folder, resolution, { skipLibCheck = false } = {}) {
  const compilerOptions = {
    ...RESOLUTIONS[resolution],
    target: "es2022",
    lib: ["es2023", "dom", "dom.iterable"],
    jsx: "react-jsx",
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck,
    noEmit: true,
    types: [],
  };
  const config = join(folder, `tsconfig.${resolution}.json`);
  writeFileSync(config, JSON.stringify({ compilerOptions, include: ["*.ts", "*.tsx"] }));
  const { stdout, stderr } = spawnSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", config], { encoding: "utf8" });
  return `${stdout}${stderr}`.trim();
}
