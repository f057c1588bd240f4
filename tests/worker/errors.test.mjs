// Bad input: each has its code, is a problem+json, and leaves nothing stored.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertProblem } from "../harness/api.mjs";
import { rawRequest } from "../harness/raw-request.mjs";
import { onEachStore } from "../harness/stores.mjs";

const chat = (body, headers) => ["POST", "/v1/chat", body, headers];
const create = (body, headers) => ["POST", "/v1/sessions", body, headers];
const long = (bytes) => "x".repeat(bytes);
const BAD_IDS = ["", "new", "-", ".a", ":a", "a b", "a/b", "a\n", "ä", "{app}", "..", long(129)];

/** What is wrong, the request, the status and the code. */
const CASES = [
  ["a client that is too old", chat({ message: "a" }, { "chatkeep-client": "0" }), 426, "client_too_old"],
  ["an unknown route", ["GET", "/v1/nothing"], 404, "route_not_found"],
  ["an unknown route below a session", ["GET", "/v1/sessions/a/b"], 404, "route_not_found"],
  ["a route without its version", ["POST", "/chat", { message: "a" }], 404, "route_not_found"],
  ["a slash too many", ["GET", "/v1/sessions/"], 404, "route_not_found"],

  ["an empty body", chat(""), 400, "invalid_json"],
  ["no body", chat(undefined), 400, "invalid_json"],
  ["text", chat("Hello"), 400, "invalid_json"],
  ["half an object", chat('{"message":"a"'), 400, "invalid_json"],
  ["something after the object", chat('{"message":"a"} {}'), 400, "invalid_json"],
  ["an array", chat([]), 400, "invalid_json"],
  ["a string", chat('"message"'), 400, "invalid_json"],
  ["null", chat("null"), 400, "invalid_json"],
  ["a raw line break in a text", chat('{"message":"a\nb"}'), 400, "invalid_json"],
  ["an array for a session", create("[]"), 400, "invalid_json"],

  ["a number as message", chat({ message: 5 }), 400, "invalid_body"],
  ["an object as message", chat({ message: { text: "a" } }), 400, "invalid_body"],
  ["a number as session id", chat({ message: "a", session_id: 5 }), 400, "invalid_body"],
  ["a number as message id", chat({ message: "a", message_id: 5 }), 400, "invalid_body"],
  ["a text as existing", chat({ message: "a", existing: "yes" }), 400, "invalid_body"],
  ["an array as metadata", chat({ message: "a", metadata: [] }), 400, "invalid_body"],
  ["a text as metadata", chat({ message: "a", metadata: "a" }), 400, "invalid_body"],
  ["a member twice", chat('{"message":"a","message":"b"}'), 400, "invalid_body"],
  ["a number as title", create({ title: 5 }), 400, "invalid_body"],

  ["no message", chat({}), 400, "message_empty"],
  ["null as message", chat({ message: null }), 400, "message_empty"],
  ["an empty message", chat({ message: "" }), 400, "message_empty"],
  ["a message of white space", chat({ message: " \t\n\u00a0" }), 400, "message_empty"],

  ...BAD_IDS.flatMap((id) => [
    [
      `${JSON.stringify(id.slice(0, 9))} as session id`,
      chat({ message: "a", session_id: id }),
      400,
      "invalid_session_id",
    ],
    [`${JSON.stringify(id.slice(0, 9))} for a session`, create({ session_id: id }), 400, "invalid_session_id"],
  ]),
  ...BAD_IDS.filter((id) => id !== "new").map((id) => [
    `${JSON.stringify(id.slice(0, 9))} as message id`,
    chat({ message: "a", message_id: id }),
    400,
    "invalid_message_id",
  ]),
  ...["", "/history"].flatMap((below) => [
    [`a reserved id before ${below}`, ["GET", `/v1/sessions/new${below}`], 400, "invalid_session_id"],
    [`a bad id before ${below}`, ["GET", `/v1/sessions/a%20b${below}`], 400, "invalid_session_id"],
    [`an escaped slash before ${below}`, ["GET", `/v1/sessions/a%2Fb${below}`], 400, "invalid_session_id"],
  ]),
  ["a bad id to delete", ["DELETE", "/v1/sessions/new"], 400, "invalid_session_id"],
  ["a bad key", chat({ message: "a" }, { "idempotency-key": "a b" }), 400, "invalid_idempotency_key"],
  ["an empty key in quotes", chat({ message: "a" }, { "idempotency-key": '""' }), 400, "invalid_idempotency_key"],
  ["half a pair of quotes", chat({ message: "a" }, { "idempotency-key": '"a' }), 400, "invalid_idempotency_key"],
  ["a key too long", create({}, { "idempotency-key": long(129) }), 400, "invalid_idempotency_key"],

  ...["0", "201", "-1", "1.5", "ten", "1e1", "99999999999999999999"].map((limit) => [
    `a list of ${limit}`,
    ["GET", `/v1/sessions?limit=${limit}`],
    400,
    "invalid_parameter",
  ]),
  ...["1", "a.b", "-1.0", "1.-1", "1.2.3", "99999999999999999999.0"].map((cursor) => [
    `${cursor} as cursor`,
    ["GET", `/v1/sessions?cursor=${cursor}`],
    400,
    "invalid_parameter",
  ]),
  ["a history of 0", ["GET", "/v1/sessions/a/history?limit=0"], 400, "invalid_parameter"],
  ["a history of 501", ["GET", "/v1/sessions/a/history?limit=501"], 400, "invalid_parameter"],
  ["a word as before", ["GET", "/v1/sessions/a/history?before=now"], 400, "invalid_parameter"],
  ["less than nothing as before", ["GET", "/v1/sessions/a/history?before=-1"], 400, "invalid_parameter"],

  ["a context without incognito", chat({ message: "a", context: [] }), 400, "invalid_body"],
  ["incognito in a session", chat({ message: "a", incognito: true, session_id: "a" }), 400, "invalid_body"],
  ["a context that is none", chat({ message: "a", incognito: true, context: [1] }), 400, "invalid_body"],

  ["a message too long", chat({ message: long(262_145) }), 413, "message_too_long"],
  ["a message too long in bytes", chat({ message: "ž".repeat(131_073) }), 413, "message_too_long"],
  ["a body too large", chat({ message: long(1_048_577) }), 413, "body_too_large"],
  ["a title too long", create({ title: "ž".repeat(201) }), 413, "title_too_long"],
  ["metadata too large", chat({ message: "a", metadata: { a: long(16_384) } }), 413, "metadata_too_large"],
];

onEachStore("bad input", {}, (the) => {
  // Each case asserts that the list is as empty as before.
  const stored = async () => (await the.api.list()).count;

  for (const [what, request, status, code] of CASES) {
    test(`${what}: ${code}`, async () => {
      const problem = assertProblem(await the.api.send(...request), status, code);
      assert.equal(problem.retryable, false);
      assert.equal(await stored(), 0);
    });
  }

  for (const [method, path, allow] of [
    ["GET", "/v1/chat", "POST"],
    ["PUT", "/v1/chat", "POST"],
    ["PATCH", "/v1/sessions", "POST, GET, HEAD, DELETE"],
    ["POST", "/v1/sessions/a", "GET, HEAD, PATCH, DELETE"],
    ["DELETE", "/v1/sessions/a/history", "GET, HEAD"],
    ["POST", "/health", "GET, HEAD"],
    ["OPTIONS", "/v1/chat", "POST"],
  ]) {
    test(`${method} ${path}: method_not_allowed`, async () => {
      const answer = await the.api.send(method, path);
      assertProblem(answer, 405, "method_not_allowed");
      assert.equal(answer.headers.get("allow"), allow);
      assert.equal(await stored(), 0);
    });
  }

  test("a body far too large: its sender gets to see the answer, each time", async () => {
    for (let time = 0; time < 10; time += 1) {
      assertProblem(await the.api.chat({ message: long(5_000_000) }), 413, "body_too_large");
    }
    assert.equal(await stored(), 0);
  });

  test("a body too large that doesn't tell its length: body_too_large", async () => {
    const chunks = ['{"message":"', ...Array.from({ length: 9 }, () => long(131_072)), '"}'];
    assertProblem(await rawRequest(`${the.api.url}/v1/chat`, { method: "POST", chunks }), 413, "body_too_large");
    assert.equal(await stored(), 0);
  });

  for (const [length, headers] of [
    ["with a length", { "content-length": "15" }],
    ["in chunks", {}],
  ]) {
    test(`what isn't UTF-8, ${length}: invalid_json`, async () => {
      const chunks = ['{"message":"', Buffer.from([0xff]), '"}'];
      const answer = await rawRequest(`${the.api.url}/v1/chat`, { method: "POST", chunks, headers });
      assertProblem(answer, 400, "invalid_json");
      assert.equal(await stored(), 0);
    });
  }

  test("a body in chunks is read when it is good", async () => {
    const text = "Příliš žluťoučký";
    const bytes = Buffer.from(JSON.stringify({ message: text, session_id: "chunks" }));
    const chunks = [...bytes].map((byte) => Buffer.from([byte]));
    const answer = await rawRequest(`${the.api.url}/v1/chat`, { method: "POST", chunks });
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await the.api.texts("chunks"))[0], text);
    assert.equal(await stored(), 1);
  });
});
