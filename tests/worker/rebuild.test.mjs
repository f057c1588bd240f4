// A saved source file is built and served by itself, by what wrangler.toml says of folders and the build.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../harness/api.mjs";
import { temporaryFolder } from "../harness/folders.mjs";
import { Process } from "../harness/processes.mjs";

const MODULE = new URL("../../scripts/runner/rebuild.mjs", import.meta.url).href;

test("a change is built and then served, a build that fails is not, and the next one is", async () => {
  const root = temporaryFolder("rebuild");
  mkdirSync(join(root, "src/deep"), { recursive: true });
  const settings = '[build]\ncommand = "echo built >> log && test ! -e broken"\nwatch_dir = ["src", "missing"]\n';
  writeFileSync(join(root, "wrangler.toml"), settings);
  const program = `
    const { rebuildOnChange } = await import(${JSON.stringify(MODULE)});
    rebuildOnChange(${JSON.stringify(root)}, async () => console.log("SERVING"));
    console.log("watching");
    setInterval(() => {}, 1000);`;
  const watcher = new Process(process.execPath, ["--input-type=module", "-e", program]);
  const count = (/** @type {RegExp} */ word) => watcher.logs().match(word)?.length ?? 0;
  const save = (/** @type {string} */ text) => writeFileSync(join(root, "src/deep/file.rs"), text);
  try {
    await watcher.ready("watching", () => /watching/.test(watcher.logs()) || undefined);
    const seen = (/** @type {RegExp} */ word, more = 0) =>
      eventually(
        () => count(word),
        (times) => times > more,
      );
    save("one");
    await seen(/SERVING/g);
    writeFileSync(join(root, "broken"), "");
    save("two");
    await seen(/the build failed/g);
    const served = count(/SERVING/g);
    rmSync(join(root, "broken"));
    save("three");
    await seen(/SERVING/g, served);
    assert.doesNotMatch(watcher.logs(), /is still served\nSERVING/);
    assert.ok(existsSync(join(root, "log")));
  } finally {
    await watcher.stop();
  }
});
