// The port of a self-hosted Chatkeep: what compose and `npm start` with HOST serve on it, and nothing else.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Api, assertProblem, ok } from "../harness/api.mjs";
import { clone } from "../harness/clone.mjs";
import { EventStream } from "../harness/events.mjs";
import { onFreePort } from "../harness/ports.mjs";
import { Process } from "../harness/processes.mjs";
import { rawRequest } from "../harness/raw-request.mjs";
import { PROBES, ROUTES } from "../harness/routes.mjs";

/** An address of this machine that isn't localhost, as a container's is. */
const HOST = "127.0.0.2";
const KEY = "a-server-s-own-key";

/**
 * Starts what the image of compose.yaml starts, in a clone.
 * @param {string} folder
 * @param {Record<string, string>} variables
 */
async function startServer(folder, variables) {
  const { PATH, HOME } = process.env;
  return onFreePort(async (port) => {
    const env = { PATH, HOME, HOST, PORT: `${port}`, ...variables };
    const server = new Process("node", ["scripts/serve.mjs"], { cwd: folder, env });
    await server.ready("serving", () => /Chatkeep is ready/.test(server.logs()) || undefined);
    return { server, port, url: `http://${env.HOST}:${port}` };
  });
}

/** Sends a request as it is written, and gives the whole answer. */
function sendLines(/** @type {number} */ port, /** @type {string[]} */ lines) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, HOST, () => socket.end(`${[...lines, "Connection: close"].join("\r\n")}\r\n\r\n`));
    let text = "";
    socket.setEncoding("utf8").on("data", (piece) => {
      text += piece;
    });
    socket.on("close", () => resolve(text)).on("error", reject);
  });
}

/** The processes that a process started, and those that they did. @returns {number[]} */
function descendants(/** @type {number} */ pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

/** The addresses on which processes listen, in the form of /proc/net/tcp. */
function listening(/** @type {number[]} */ pids) {
  const inodes = pids.flatMap((pid) =>
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      } catch {
        return undefined; // it was closed meanwhile
      }
    }),
  );
  return ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === "0A" && inodes.includes(fields[9]))
      .map((fields) => fields[1]),
  );
}

/** What wrangler's development server has on its port, and a debugger on its own. */
const FOREIGN_PATHS = [
  "/cdn-cgi/",
  "/cdn-cgi/explorer",
  "/cdn-cgi/explorer/api",
  "/cdn-cgi/explorer/api/d1/database/ARCHIVE/raw",
  "/cdn-cgi/explorer/api/workers/durable_objects/namespaces",
  "/cdn-cgi/explorer/api/local/observability/query",
  "/cdn-cgi/handler/scheduled",
  "/cdn-cgi/handler/email",
  "/cdn-cgi/local/observability/query",
  "/cdn-cgi/local/platform-proxy",
  "/cdn-cgi/local/scheduled",
  "/cdn-cgi/mf/reload",
  "/cdn-cgi/mf/scheduled",
  "/cdn-cgi/platform-proxy",
  "/cdn-cgi/trace",
  "/__scheduled",
  "/core/error",
  "/json",
  "/json/list",
  "/json/version",
  "/objects",
  "/files/index.html",
];

/** Headers that would have another address or another path taken for the request's own. */
const REWRITING_HEADERS = ["MF-Original-URL", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Host", "Forwarded"];

describe("the port of a self-hosted Chatkeep", () => {
  const folder = clone();
  const secrets = { API_KEYS: KEY, VISITOR_SECRET: randomBytes(32).toString("hex") };
  /** @type {Awaited<ReturnType<typeof startServer>>} */
  let the;
  before(async () => {
    the = await startServer(folder, { ...secrets, RATE_LIMIT_APP: "5/86400", TRUSTED_PROXIES: "" });
  });
  after(() => the?.server.stop());

  const localhost = { host: "localhost" };

  test("has no route of a development server, whatever the host", async () => {
    for (const path of FOREIGN_PATHS) {
      for (const method of ["GET", "POST", "DELETE"]) {
        for (const host of ["localhost", "127.0.0.1", `${HOST}:${the.port}`]) {
          const answer = await rawRequest(the.url + path, { method, headers: { host, "x-api-key": KEY } });
          assertProblem(answer, 404, "route_not_found");
        }
      }
    }
  });

  test("has no route that answers without credentials beside /health, the visitors' and the app's files", async () => {
    for (const { method, path, action } of ROUTES) {
      if ([...PROBES, "NewVisitor", "ClaimVisitor"].includes(action)) continue;
      const answer = await rawRequest(the.url + path.replace("{id}", "some-id"), { method, headers: localhost });
      assertProblem(answer, 401, "unauthorized");
    }
    assert.equal((await rawRequest(`${the.url}/health`, { headers: localhost })).status, 200);
    assert.match((await rawRequest(`${the.url}/`, { headers: localhost })).text, /<!doctype html>/i);
  });

  test("believes no header that names another address or path", async () => {
    const target = "http://localhost/v1/admin/export";
    for (const name of REWRITING_HEADERS) {
      const elsewhere = await rawRequest(`${the.url}/x`, { headers: { ...localhost, [name]: target } });
      assertProblem(elsewhere, 404, "route_not_found");
      const closed = await rawRequest(`${the.url}/v1/sessions`, { headers: { [name]: "localhost" } });
      assertProblem(closed, 401, "unauthorized");
    }
    const proxied = await sendLines(the.port, [`GET ${target} HTTP/1.1`, `Host: ${HOST}`]);
    assert.match(proxied, /^HTTP\/1\.1 (400|401|404) /);
    const tunnelled = await sendLines(the.port, ["CONNECT localhost:80 HTTP/1.1", "Host: localhost:80"]);
    assert.doesNotMatch(tunnelled, /^HTTP\/1\.1 2/);
  });

  test("is the only one that listens beyond this machine, and the timer's asks for its secret", async () => {
    const [, ...others] = listening(descendants(the.server.pid)).sort((a, b) => Number(ours(b)) - Number(ours(a)));
    for (const address of others) {
      const [host, port] = address.split(":");
      assert.equal(host, "0100007F", "127.0.0.1");
      const url = `http://127.0.0.1:${Number.parseInt(port, 16)}`;
      for (const headers of [{}, { authorization: "Bearer " }, { authorization: `Bearer ${KEY}` }]) {
        for (const path of ["/", "/cdn-cgi/local/scheduled", "/json", "/v1/sessions"]) {
          assert.equal((await fetch(url + path, { headers })).status, 401, path);
        }
      }
    }
    assert.equal(others.length, 1);
    function ours(/** @type {string} */ address) {
      return Number.parseInt(address.split(":")[1], 16) === the.port;
    }
  });

  test("its secrets are on no command line and in no file", () => {
    for (const pid of descendants(the.server.pid)) {
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      for (const secret of Object.values(secrets)) assert.ok(!line.join(" ").includes(secret));
      const config = line.find((word) => word.endsWith(".capnp"));
      assert.ok(config && !existsSync(config), "the configuration is removed when it is read");
    }
  });

  test("five clients' addresses that one client invents are charged to its own", async () => {
    const api = new Api(the.url, { "x-api-key": KEY });
    const say = (/** @type {number} */ number) =>
      api.send(
        "POST",
        "/v1/chat",
        { message: "Hello", session_id: "s" },
        { "cf-connecting-ip": `10.0.0.${number}`, "x-forwarded-for": `10.0.1.${number}` },
      );
    for (let number = 0; number < 5; number += 1) ok(await say(number));
    assertProblem(await say(6), 429, "rate_limited");
  });

  test("a turn that runs is finished when it is asked to end", async () => {
    const { server, url } = await startServer(folder, {
      ...secrets,
      ECHO_WORD_MS: "100",
      STATE_FOLDER: join(folder, "other"),
    });
    try {
      const json = { message: "one two three four five six", session_id: "s", stream: true };
      const stream = await EventStream.open(`${url}/v1/chat`, { json, headers: { "x-api-key": KEY } });
      await stream.next();
      server.child.kill("SIGTERM");
      assert.equal((await stream.all()).at(-1).name, "done");
      await server.ready("ended", () => server.ended || undefined);
      assert.equal(server.child.exitCode, 0);
    } finally {
      await server.stop();
    }
  });
});

test("behind a trusted proxy each forwarded address is charged", async () => {
  const { server, url } = await startServer(clone(), {
    API_KEYS: KEY,
    RATE_LIMIT_APP: "1/86400",
    TRUSTED_PROXIES: "127.0.0.0/8",
  });
  try {
    const say = (/** @type {string} */ forwarded) =>
      new Api(url, { "x-api-key": KEY }).send(
        "POST",
        "/v1/chat",
        { message: "Hello" },
        { "x-forwarded-for": forwarded },
      );
    ok(await say("192.0.2.1"));
    ok(await say("192.0.2.2"));
    assertProblem(await say("192.0.2.2"), 429, "rate_limited");
    assertProblem(await say("203.0.113.9, 192.0.2.2"), 429, "rate_limited");
  } finally {
    await server.stop();
  }
});

test("without credentials it serves nobody, whatever the host", async () => {
  const { server, url } = await startServer(clone(), {});
  try {
    const ready = await rawRequest(`${url}/ready`);
    assert.deepEqual([ready.status, ready.body.cause], [503, "not_configured"]);
    for (const host of ["localhost", "127.0.0.1", "[::1]", new URL(url).host]) {
      for (const { method, path, action } of ROUTES.filter(({ action }) => !PROBES.includes(action))) {
        const answer = await rawRequest(url + path.replace("{id}", "some-id"), { method, headers: { host } });
        if (action === "NewVisitor" || action === "ClaimVisitor") assert.notEqual(answer.status, 200);
        else assertProblem(answer, 503, "not_configured");
      }
    }
  } finally {
    await server.stop();
  }
});

test("on localhost it has no route of a development server either", async () => {
  const { server, url } = await startServer(clone(), { HOST: "localhost" });
  try {
    for (const path of FOREIGN_PATHS) {
      const answer = await rawRequest(url + path, { headers: { "MF-Original-URL": "http://localhost/v1/sessions" } });
      assertProblem(answer, 404, "route_not_found");
    }
    assert.equal(
      listening(descendants(server.pid)).filter((address) => !/^(0100007F|0{24}01000000)/.test(address)).length,
      0,
    );
  } finally {
    await server.stop();
  }
});

test("on localhost it serves this machine's pages, refuses foreign ones, and says how to open the administration", async () => {
  for (const [variables, status] of /** @type {[Record<string, string>, number][]} */ ([
    [{}, 403],
    [{ OPEN_ADMIN: "on" }, 200],
  ])) {
    const { server, url } = await startServer(clone(), { HOST: "localhost", ...variables });
    try {
      for (const origin of [url, "http://localhost:5173", "http://127.0.0.1:5173", "http://[::1]:1", undefined]) {
        ok(await new Api(url, origin ? { origin } : {}).chat({ message: "Hello" }));
      }
      for (const headers of [
        { origin: "https://evil.example" },
        { origin: "null" },
        { "sec-fetch-site": "cross-site" },
      ]) {
        assertProblem(await new Api(url, headers).chat({ message: "planted" }), 403, "foreign_request");
      }
      for (const headers of [{ host: "rebind.evil.example" }, { "MF-Original-URL": `${url}/v1/sessions` }]) {
        assertProblem(await rawRequest(`${url}/v1/sessions`, { headers }), 403, "foreign_request");
      }
      const own = new Api(url);
      assert.equal((await own.list()).count, 5);
      for (const path of ["/v1/admin/owners", "/metrics"]) assert.equal((await own.get(path)).status, status, path);
      assert.equal(/^ {2}OPEN_ADMIN=on npm start$/m.test(server.logs()), status === 403);
    } finally {
      await server.stop();
    }
  }
});

test("localhost can't be opened on another address", async () => {
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, HOST, PORT: "0", OPEN_LOCALHOST: "on" };
  const server = new Process("node", ["scripts/serve.mjs", "--check"], { cwd: clone(), env });
  await server.ready("ended", () => server.ended || undefined);
  assert.equal(server.child.exitCode, 1);
  assert.match(server.logs(), /OPEN_LOCALHOST lets everybody in/);
});
