// The README's examples are code: every TypeScript block that imports from the package is type checked against it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../harness/folders.mjs";
import { typedProject, typeErrors } from "./typescript.mjs";

test("the README's examples compile", () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const blocks = [...readme.matchAll(/^```(tsx?)\n([\s\S]*?)^```$/gm)].filter(([, , code]) =>
    /\bfrom\s+["']chatkeep\b/.test(code),
  );
  assert.ok(blocks.length > 0, "README.md has no ts or tsx block that imports from the package");
  // A module each, so that no example lives on another's names.
  const files = Object.fromEntries(
    blocks.map(([, kind, code], at) => [`example-${at + 1}.${kind}`, `${code}\nexport {};\n`]),
  );
  assert.equal(typeErrors(typedProject("readme", files), "bundler"), "");
});
