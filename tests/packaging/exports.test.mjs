// What the packed package says of itself, and the ways in which its module is found where nothing can be fetched by address.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { build as esbuild } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { ROOT } from "../harness/folders.mjs";
import { Process } from "../harness/processes.mjs";
import { startFakeServer } from "./fake-server.mjs";
import { project } from "./packed.mjs";

test("publint has nothing to say", async () => {
  const pkgDir = join(project("publint", {}), "node_modules/chatkeep");
  const { messages, pkg } = await publint({ pkgDir, pack: false, strict: true });
  assert.deepEqual(
    messages.map((message) => formatMessage(message, pkg)),
    [],
  );
});

test("workerd gets its module by import", async () => {
  const folder = project("workerd", {
    "main.js": `
      import { createChatkeep } from "chatkeep";
      export default {
        async fetch(request) {
          const chat = createChatkeep({ url: new URL(request.url).searchParams.get("server"), storage: null });
          const { response } = await chat.send("Hello");
          chat.dispose();
          return new Response(response);
        },
      };`,
  });
  const server = await startFakeServer();
  const { PATH, HOME, TMPDIR } = process.env;
  const bin = `${join(ROOT, "node_modules/.bin")}:${PATH}`;
  const quiet = { WRANGLER_SEND_METRICS: "false", WRANGLER_LOG_PATH: join(folder, "logs"), NO_COLOR: "1" };
  const args = ["dev", "main.js", "--compatibility-date", "2026-01-01", "--port", "0", "--inspector-port", "0"];
  const env = { PATH: bin, HOME, TMPDIR, CLOUDFLARE_CF_FETCH_ENABLED: "false", ...quiet };
  const workerd = new Process("wrangler", [...args, "--show-interactive-dev-session=false"], { cwd: folder, env });
  try {
    const url = await workerd.ready("serving", () => /Ready on (http\S+)/.exec(workerd.logs())?.[1]);
    const answer = await fetch(`${url}/?server=${encodeURIComponent(server.url)}`);
    assert.equal(await answer.text(), "You said: Hello");
  } finally {
    await workerd.stop();
    await server.close();
  }
});

test("the slim entry names no file, and asks for the module", async () => {
  const folder = project("slim", {
    "main.js": 'export { createChatkeep } from "chatkeep/slim";',
  });
  const { outputFiles } = await esbuild({
    absWorkingDir: folder,
    entryPoints: ["main.js"],
    bundle: true,
    write: false,
    format: "esm",
  });
  assert.doesNotMatch(outputFiles[0].text, /\.wasm"|import\.meta\.url/);
});
