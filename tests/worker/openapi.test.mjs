// The API's description: served as a file, and everything that it shows by example is so, on both stores.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { Api, ok } from "../harness/api.mjs";
import { onEachStore } from "../harness/stores.mjs";

const KEY = { "x-api-key": "server-key" };
const VARS = {
  MAX_SESSIONS_PER_OWNER: "1000",
  API_KEYS: KEY["x-api-key"],
  VISITOR_SECRET: "a secret of more than thirty-two letters",
};

onEachStore("OpenAPI", VARS, (the) => {
  /** @type {any} */
  let document;
  /** @type {Ajv2020} */
  let ajv;
  let sessions = 0;

  before(async () => {
    the.api = new Api(the.worker.url, KEY);
    const answer = await the.api.get("/openapi.json");
    assert.equal(answer.headers.get("content-type"), "application/json");
    document = ok(answer);
    ajv = new Ajv2020({ strict: false, allErrors: true }).addSchema(document, "openapi.json");
  });

  test("every example is answered as the description says", async () => {
    let tried = 0;
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        // One session an example: they neither wait for each other nor see each other's leavings.
        const session = `example-${++sessions}`;
        const folder = /^(?:\/(?!v1\/)[\w-]+)?(?=\/)/.exec(path)?.[0] ?? "";
        const known = await prepare(session, operation["x-given"], folder);
        const [type, body] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
        const example = body && (type === "application/json" ? JSON.stringify(known ?? body.example) : body.example);
        const needed = (operation.parameters ?? []).filter(({ in: place, required }) => place === "query" && required);
        const query = needed.map(({ name, example }) => `${name}=${encodeURIComponent(example)}`).join("&");
        const url = path.replace("{id}", session) + (query && `?${query}`);
        // Only a user claims: the server acts for one.
        const user = operation["x-given"] === "visitor" && { "chatkeep-user": "ada" };
        const credentials = operation.security?.length === 0 ? {} : { ...KEY, ...user };
        const answer = await ask(method.toUpperCase(), url, credentials, example, type);
        assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
        assertDescribed(path, method, answer);
        if (operation.requestBody) {
          const wrong = await the.api.send(method.toUpperCase(), url, "{");
          assert.equal(wrong.status, 400, `${method} ${path}`);
          assertDescribed(path, method, wrong);
        }
        if (path.includes("{id}")) {
          const bad = await the.api.send(method.toUpperCase(), path.replace("{id}", "-"), example);
          assert.ok(
            ["invalid_session_id", "session_not_found"].includes(bad.body.code),
            `${method} ${path}: ${bad.text}`,
          );
          assertDescribed(path, method, bad);
        }
        tried += 1;
      }
    }
    assert.ok(tried >= 21, `${tried}`);
  });

  /** A stream of events is not read: some have no end. */
  async function ask(
    /** @type {string} */ method,
    /** @type {string} */ path,
    /** @type {Record<string, string>} */ credentials,
    /** @type {string | undefined} */ body,
    /** @type {string | undefined} */ type,
  ) {
    const response = await fetch(the.worker.url + path, {
      method,
      body,
      headers: type ? { ...credentials, "content-type": type } : credentials,
    });
    const { status, headers } = response;
    if (headers.get("content-type")?.startsWith("text/event-stream")) {
      await response.body?.cancel();
      return { status, headers, text: "", body: undefined };
    }
    const text = await response.text();
    return { status, headers, text, body: text.startsWith("{") || text.startsWith("[") ? parsed(text) : undefined };
  }

  async function prepare(/** @type {string} */ session, /** @type {string} */ given, /** @type {string} */ folder) {
    if (given === "nothing") return;
    if (given === "visitor") return { visitor: ok(await new Api(the.worker.url).send("POST", "/v1/visitors")).token };
    ok(await the.api.send("POST", `${folder}/v1/chat`, { message: "Hello", message_id: "m1", session_id: session }));
    if (given === "state") ok(await the.api.send("PUT", `/v1/sessions/${session}/state`, { step: 1 }));
    if (given === "deleted") ok(await the.api.delete(session));
  }

  /** The answer has a status, a media type and a body that the description has for it. */
  function assertDescribed(/** @type {string} */ path, /** @type {string} */ method, answer) {
    const at = ["paths", path, method, "responses", `${answer.status}`];
    const described = document.paths[path][method].responses[answer.status];
    assert.ok(described, `${method} ${path}: ${answer.status} is not described: ${answer.text}`);
    for (const name of Object.keys(described.headers ?? {})) {
      assert.ok(answer.headers.get(name), `${method} ${path}: no ${name}`);
    }
    if (!described.content) return;
    const type = answer.headers.get("content-type");
    const known = type in described.content || type.split(";")[0] in described.content;
    assert.ok(known, `${method} ${path}: ${type} is not described`);
    if (!type.endsWith("json") || type.endsWith("ndjson")) return;
    const holds = ajv.compile({ $ref: `openapi.json#/${[...at, "content", type, "schema"].map(pointer).join("/")}` });
    assert.ok(holds(answer.body), `${method} ${path}: ${ajv.errorsText(holds.errors)} in ${answer.text}`);
  }
});

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // lines of it
  }
}

/** @param {string} name */
function pointer(name) {
  return encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"));
}
