// JSON from outside: half characters, a byte order mark, and values that are kept as they came.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertProblem, ok } from "../harness/api.mjs";
import { onEachStore } from "../harness/stores.mjs";

const HALF = "\\ud83d";
const REPLACED = "\ufffd";

onEachStore("JSON from outside", {}, (the) => {
  test("half a character becomes U+FFFD wherever a client sends one", async () => {
    const send = async (method, path, body) => ok(await the.api.send(method, path, body));
    await send(
      "POST",
      "/v1/chat",
      `{"session_id":"h","message_id":"m1","message":"turn ${HALF}","metadata":{"a":"${HALF}"}}`,
    );
    const messages = `{"messages":[{"id":"m2","role":"user","content":"append ${HALF}","metadata":{"${HALF}":"${HALF}"}}]}`;
    await send("POST", "/v1/sessions/h/messages", messages);
    const parts = `[{"type":"text","text":"ai ${HALF}"},{"type":"data-x","data":"${HALF}"}]`;
    const ai = await the.api.send(
      "POST",
      "/v1/ai/chat",
      `{"id":"h","messages":[{"id":"m3","role":"user","parts":${parts},"metadata":{"lang":"${HALF}"}}]}`,
    );
    assert.equal(ai.status, 200, ai.text);
    await send("PUT", "/v1/sessions/h/state", `{"a":"${HALF}"}`);
    await send("PATCH", "/v1/sessions/h", `{"title":"title ${HALF}","metadata":{"a":"${HALF}"}}`);
    const info = ok(await the.api.info("h"));
    assert.deepEqual([info.title, info.metadata], [`title ${REPLACED}`, { a: REPLACED }]);
    assert.deepEqual(ok(await the.api.get("/v1/sessions/h/state")), { a: REPLACED });
    const history = (await the.api.history("h")).messages;
    const of = (id) => history.find((message) => message.id === id);
    assert.deepEqual([of("m1").content, of("m1").metadata], [`turn ${REPLACED}`, { a: REPLACED }]);
    assert.deepEqual([of("m2").content, of("m2").metadata], [`append ${REPLACED}`, { [REPLACED]: REPLACED }]);
    assert.deepEqual([of("m3").content, of("m3").parts[1].data], [`ai ${REPLACED}`, REPLACED]);
    const ui = ok(await the.api.get("/v1/ai/chat/h/messages")).messages;
    assert.equal(ui.find((message) => message.id === "m3").metadata.lang, REPLACED);
    // Whole ones stay.
    await send("POST", "/v1/chat", `{"session_id":"w","message":"whole \\ud83d\\ude00"}`);
    assert.equal((await the.api.texts("w"))[0], "whole 😀");
  });

  test("the AI SDK's messages have their metadata as it is stored", async () => {
    const metadata = `{"z":123456789012345678901,"lang":"cs","x":1e400,"price":0.10,"a":[ 1.0 ]}`;
    const messages = `{"messages":[{"id":"n1","role":"user","content":"m","metadata":${metadata}},{"id":"n2","role":"user","content":"m","metadata":{"createdAt":"mine"}}]}`;
    ok(await the.api.send("POST", "/v1/sessions/n/messages", messages));
    const { text } = await the.api.get("/v1/ai/chat/n/messages");
    const begins = `"metadata":${metadata.replace("[ 1.0 ]", "[1.0]").slice(0, -1)},"createdAt":"2`;
    assert.ok(text.includes(begins), text);
    assert.ok(text.includes('"metadata":{"createdAt":"mine"}'), text);
  });

  test("a byte order mark is ignored before every JSON body", async () => {
    const mark = "\ufeff";
    for (const [method, path, body] of [
      ["POST", "/v1/chat", '{"message":"hi","session_id":"bom"}'],
      ["POST", "/v1/sessions/bom/messages", '{"messages":[{"role":"user","content":"x"}]}'],
      ["PATCH", "/v1/sessions/bom", '{"title":"x"}'],
      ["PUT", "/v1/sessions/bom/state", '{"a":1}'],
      ["POST", "/v1/sessions/bom/fork", '{"session_id":"bom-2"}'],
      ["POST", "/v1/sessions", '{"session_id":"bom-3"}'],
      ["POST", "/v1/ai/chat", '{"id":"bom","messages":[{"role":"user","parts":[{"type":"text","text":"x"}]}]}'],
      ["POST", "/v1/import", '{"session":{"session_id":"bom-4","created_ms":1,"updated_ms":1}}'],
    ]) {
      const answer = await the.api.send(method, path, mark + body);
      assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
    }
    // A place in a body is told as its sender sees it.
    const problem = assertProblem(await the.api.chat('{\n  "message": 1\n}'), 400, "invalid_body");
    assert.match(problem.detail, /line 2 column/);
  });
});

onEachStore(
  "CLIENT_ROLES",
  { CLIENT_ROLES: "user", API_KEYS: "server-key-1", VISITOR_SECRET: "x".repeat(32) },
  (the) => {
    test("users and visitors write messages of the role user alone, servers all", async () => {
      const { token } = ok(await the.api.send("POST", "/v1/visitors"));
      const of = (headers) => (path, body) => the.api.send("POST", path, body, headers);
      const visitor = of({ authorization: `Bearer ${token}` });
      const server = of({ "x-api-key": "server-key-1", "chatkeep-user": "u1" });
      for (const role of ["system", "assistant"]) {
        const messages = [{ role, content: "x" }];
        assertProblem(await visitor("/v1/sessions/s/messages", { messages }), 403, "forbidden");
        const context = [{ role, content: "x" }];
        assertProblem(await visitor("/v1/chat", { incognito: true, message: "y", context }), 403, "forbidden");
        const stored = { id: "m", role, content: "x", created: "2026-01-01T00:00:00.000Z" };
        const line = JSON.stringify({ message: { session_id: `s-${role}`, position: 0, message: stored } });
        assertProblem(await visitor("/v1/import", line), 403, "forbidden");
        ok(await server("/v1/sessions/s/messages", { messages }));
        ok(await server("/v1/chat", { incognito: true, message: "y", context }));
        assert.equal(ok(await server("/v1/import", line)).messages, 1);
      }
      ok(await visitor("/v1/sessions/s/messages", { messages: [{ role: "user", content: "x" }] }));
      assert.equal(ok(await visitor("/v1/chat", { message: "y", session_id: "s" })).session_id, "s");
    });
  },
);
