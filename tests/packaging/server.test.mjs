// The packed package's server entry: in Node with every version of the npm package redis and without it, bundled by esbuild,
// in workerd, and its types.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { build as esbuild } from "esbuild";
import { ROOT } from "../harness/folders.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { Process } from "../harness/processes.mjs";
import { startRedis } from "../harness/redis.mjs";
import { project } from "./packed.mjs";
import { RESOLUTIONS, typedProject, typeErrors } from "./typescript.mjs";

let redis;
let gateway;
before(async () => {
  redis = await startRedis();
  gateway = await startGateway({ redisUrl: redis.url });
});
after(async () => {
  await gateway?.stop();
  await redis?.stop();
});

const USE = `
  import { createStore, getStore } from "chatkeep/server";
  const store = getStore();
  if (store !== getStore()) throw new Error("two singletons");
  await store.set("a", { n: 1 });
  await store.addMessage("a", { question: "Q", answer: "A" });
  const { connected, store: kind } = await store.getHealth();
  console.log(JSON.stringify([await store.get("a"), (await store.getHistory("a")).length, connected, kind]));
  await store.close();
  if (store === getStore()) throw new Error("a closed singleton");
`;

/** What a program prints; all of the environment that it gets is this. */
async function run(file, env) {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], { env });
  assert.equal(stderr, "");
  return JSON.parse(stdout);
}

/** Links the version of redis that is installed under another name. */
function link(folder, name) {
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  symlinkSync(join(ROOT, "node_modules", name), join(folder, "node_modules/redis"));
}

for (const name of ["redis-4", "redis-5", "redis"]) {
  const { version } = JSON.parse(readFileSync(join(ROOT, "node_modules", name, "package.json"), "utf8"));
  test(`in Node over TCP with redis ${version}`, async () => {
    const folder = project("server-tcp", { "main.js": USE });
    link(folder, name);
    const env = { REDIS_URL: redis.url, REDIS_KEY_PREFIX: `${name}:` };
    assert.deepEqual(await run(join(folder, "main.js"), env), [{ n: 1 }, 2, true, "redis"]);
  });
}

test("in Node over REST, and in memory, without redis installed", async () => {
  const folder = project("server-rest", { "main.js": USE });
  const rest = { KV_REST_API_URL: gateway.url, KV_REST_API_TOKEN: gateway.token };
  assert.deepEqual(await run(join(folder, "main.js"), rest), [{ n: 1 }, 2, true, "upstash"]);
  assert.deepEqual(await run(join(folder, "main.js"), {}), [{ n: 1 }, 2, false, "memory"]);
  const missing = await run(join(folder, "main.js"), { REDIS_URL: redis.url }).catch((error) => error.stderr);
  assert.match(missing, /npm install redis/);
});

test("bundled for a server it needs no file beside it", async () => {
  const folder = project("server-bundled", { "main.js": USE });
  const out = join(folder, "out.mjs");
  await esbuild({
    absWorkingDir: folder,
    entryPoints: ["main.js"],
    outfile: out,
    bundle: true,
    platform: "node",
    format: "esm",
    external: ["redis"],
    logLevel: "error",
  });
  const rest = {
    UPSTASH_REDIS_REST_URL: gateway.url,
    UPSTASH_REDIS_REST_TOKEN: gateway.token,
    REDIS_KEY_PREFIX: "bundled:",
  };
  assert.deepEqual(await run(out, rest), [{ n: 1 }, 2, true, "upstash"]);
});

test("what contradicts itself is refused by every call, without its value", async () => {
  const script = `
    import { ChatkeepError, createStore } from "chatkeep/server";
    const env = { REDIS_URL: "redis://:s3cret@h", REDIS_PASSWORD: "0ther" };
    for (const store of [createStore({ env }), createStore({ env: { SESSION_TTL: "soon" } })]) {
      const errors = await Promise.all([store.initialize(), store.get("a")].map((call) => call.catch((error) => error)));
      if (!errors.every((error) => error instanceof ChatkeepError && error.code === "not_configured")) throw errors[0];
      console.log(errors[0].message);
    }`;
  const folder = project("server-conflict", { "main.js": script });
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, "main.js")]);
  assert.equal(
    stdout,
    "REDIS_PASSWORD: contradicts REDIS_URL\\nSESSION_TTL: must be a whole number\\n".replaceAll("\\n", "\n"),
  );
});

test("in workerd, without anything of Node", async () => {
  const worker = `
    import { createStore, getStore } from "chatkeep/server";
    const tried = createStore({ url: "redis://localhost" });
    export default {
      async fetch(request, env) {
        const store = getStore({ env });
        const id = new URL(request.url).pathname.slice(1);
        const state = await store.getOrCreate(id, { visits: 0 });
        await store.set(id, { visits: state.visits + 1 });
        const { connected, store: kind } = await store.getHealth();
        const tcp = await tried.get("x").catch((error) => error.message);
        return Response.json({ ...(await store.get(id)), connected, kind, tcp });
      },
    };`;
  const folder = project("server-workerd", { "worker.js": worker });
  const config = `name = "consumer"\nmain = "worker.js"\ncompatibility_date = "2026-10-15"\n[vars]
UPSTASH_REDIS_REST_URL = "${gateway.url}"\nUPSTASH_REDIS_REST_TOKEN = "${gateway.token}"\n`;
  writeFileSync(join(folder, "wrangler.toml"), config);
  const wrangler = join(ROOT, "node_modules/.bin/wrangler");
  const args = ["dev", "--port", "0", "--inspector-port", "0", "--show-interactive-dev-session=false"];
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false" };
  const server = new Process(wrangler, args, { cwd: folder, env });
  try {
    const origin = await server.ready("serving", () => /Ready on (http\S+)/.exec(server.logs())?.[1]);
    const url = `${origin}/edge`;
    const first = await (await fetch(url)).json();
    const tcp = "redis:// needs Node: on the edge name an Upstash REST URL";
    assert.deepEqual(first, { visits: 1, connected: true, kind: "upstash", tcp });
    const visits = await Promise.all(Array.from({ length: 8 }, () => fetch(url).then((answer) => answer.json())));
    assert.ok(visits.every(({ connected }) => connected));
  } finally {
    await server.stop();
  }
});

const CONSUMER = `
import { ChatkeepError, createStore, getStore, type Store, type StoreHealth } from "chatkeep/server";

interface Agent { state: string; attempts: number }
const store: Store = createStore({ url: "rediss://h", tls: { ca: "pem" }, keyPrefix: "x:", ttlSeconds: 60, logger: "json" });
export const one: Store = getStore({ logger: ({ event_type, session_id }) => console.log(event_type, session_id) });

export async function use(): Promise<string> {
  const agent: Agent | null = await store.get<Agent>("id");
  const made: Agent = await store.getOrCreate("id", async () => ({ state: "new", attempts: 0 }));
  const { sessions, nextCursor } = await store.list({ fields: ["state"], cursor: undefined });
  const health: StoreHealth = await store.getHealth();
  try {
    await store.addMessage("id", { question: "q", answer: "a", sources: [1] }, { key: "k" });
    await store.append("id", [{ role: "user", content: "x" }], { existing: true });
  } catch (error) {
    if (error instanceof ChatkeepError && error.retryable) return error.code;
  }
  return String([agent?.attempts, made.state, sessions[0]?.state?.state, nextCursor, health.latencyMs]);
}

// @ts-expect-error: a port is a number
createStore({ port: "6379" });
// @ts-expect-error: there is no such role
store.append("id", [{ role: "robot", content: "x" }]);
// @ts-expect-error: answers are immutable
store.info("id").then((session) => { session.title = "x"; });
`;

for (const resolution of Object.keys(RESOLUTIONS)) {
  test(`its types check with module resolution ${resolution}`, () => {
    assert.equal(typeErrors(typedProject("server-types", { "consumer.ts": CONSUMER }), resolution), "");
  });
}

test("the types say what the store answers", async () => {
  const script = `
    import { createStore } from "chatkeep/server";
    const store = createStore({ memory: true });
    await store.set("a", { state: "x" });
    const appended = await store.addMessage("a", { question: "Q", answer: "A", sources: [] });
    const session = await store.patch("a", { title: "T", metadata: {} , pinned: true });
    const { sessions: [listed] } = await store.list({ fields: ["state"] });
    await store.set("b", 1);
    console.log(JSON.stringify({ appended, session, listed, page: await store.list({ limit: 1 }), health: await store.getHealth(),
      history: await store.history("a", { limit: 1 }), read: await store.readState("a"), written: await store.writeState("a", 1) }));`;
  const folder = project("server-answers", { "main.js": script });
  const seen = await run(join(folder, "main.js"), {});
  const { title, metadata, state, ...shown } = { ...seen.listed, ...seen.session };
  const types = `
    import type { Appended, HistoryPage, ListedSession, Session, SessionPage, StoredMessage, StoreHealth, TaggedState, WrittenState } from "chatkeep/server";
    export const session = ${JSON.stringify({ ...shown, title, metadata: { a: 1 } })} satisfies Required<Omit<Session, "state">>;
    export const listed = ${JSON.stringify(seen.listed)} satisfies ListedSession;
    export const appended = ${JSON.stringify(seen.appended)} satisfies Required<Appended>;
    export const history = ${JSON.stringify(seen.history)} satisfies Required<HistoryPage>;
    export const message = ${JSON.stringify(seen.history.messages[0])} satisfies Required<Omit<StoredMessage, "parts" | "status">>;
    export const page = ${JSON.stringify({ ...seen.page, truncated: true })} as const satisfies Required<SessionPage>;
    export const health = ${JSON.stringify(seen.health)} as const satisfies StoreHealth;
    export const read = ${JSON.stringify(seen.read)} satisfies TaggedState<unknown>;
    export const written = ${JSON.stringify(seen.written)} satisfies Required<WrittenState>;`;
  assert.ok(state);
  assert.equal(typeErrors(typedProject("server-view", { "answers.ts": types }), "bundler"), "");
});
