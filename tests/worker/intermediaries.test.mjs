// What clients of other libraries, pages of other origins and proxies on the way need: Accept, CORS, caching, entity tags, HEAD.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertProblem, eventually, ok } from "../harness/api.mjs";
import { onEachStore } from "../harness/stores.mjs";

const PAGE = "https://App.Example.com";
const VARS = { CORS_ORIGINS: `${PAGE}, https://*.preview.pages.dev`, ECHO_WORD_MS: "0" };
const UNTOUCHED = "no-store, no-transform";

onEachStore("between the client and the Worker", VARS, (the) => {
  /**
   * @param {string} path
   * @param {{method?: string, body?: object, headers?: Record<string, string>}} [more]
   */
  const ask = (path, { method = "GET", body, headers = {} } = {}) =>
    fetch(the.worker.url + path, {
      method,
      headers: { ...(body && { "content-type": "application/json" }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
  const isStream = (/** @type {Response} */ response) =>
    /^text\/event-stream/.test(response.headers.get("content-type") ?? "");

  test("a turn is streamed as its body says, or else as Accept prefers", async () => {
    ok(await the.api.send("POST", "/v1/sessions", { session_id: "accepts" }));
    for (const [accept, stream, streams] of /** @type {[string | undefined, boolean | undefined, boolean][]} */ ([
      [undefined, undefined, false],
      ["text/event-stream", undefined, true],
      ["TEXT/EVENT-STREAM", undefined, true],
      ["text/event-stream, application/json;q=0.5", undefined, true],
      ["application/json, text/event-stream", undefined, false],
      ["application/json, text/event-stream;q=0", undefined, false],
      ["text/event-stream;q=0.1, application/json", undefined, false],
      ["text/event-stream", false, false],
      ["application/json", true, true],
    ])) {
      const headers = { ...(accept && { accept }) };
      for (const [path, more] of /** @type {const} */ ([
        ["/v1/chat", {}],
        ["/v1/chat", { incognito: true }],
        ["/v1/sessions/accepts/messages", {}],
      ])) {
        const body = { message: "Hello", ...more, ...(stream !== undefined && { stream }) };
        const answer = await ask(path, { method: "POST", body, headers });
        assert.equal(answer.status, 200);
        assert.equal(isStream(answer), streams, `${path} ${accept} ${stream} ${JSON.stringify(more)}`);
        await answer.text();
      }
    }
  });

  test("no proxy may change an event stream, or hold it back", async () => {
    const id = "streams";
    const message = { message: "Hello", session_id: id, stream: true };
    const parts = [{ type: "text", text: "Hello" }];
    for (const [path, body] of /** @type {[string, object?][]} */ ([
      ["/v1/chat", message],
      ["/v1/chat", { message: "Hello", incognito: true, stream: true }],
      [`/v1/sessions/${id}/messages`, { message: "Again", stream: true }],
      ["/v1/ai/chat", { id: "ai", messages: [{ id: "a", role: "user", parts }] }],
      ["/openta/chat/basic", { query: "Hello", meta_params: { conversation_id: "c", stream: true } }],
      ["/v1/events"],
      ["/v1/admin/events"],
    ])) {
      const answer = await ask(path, body && { method: "POST", body });
      assert.equal(answer.status, 200, path);
      if (isStream(answer)) {
        assert.equal(answer.headers.get("cache-control"), UNTOUCHED, path);
        assert.equal(answer.headers.get("x-accel-buffering"), "no", path);
      } else assert.match(path, /openta/, "a stream");
      await answer.body?.cancel();
    }
  });

  test("a state's tag passes unchanged, is one of a list, and says why it doesn't match when it is weak", async () => {
    const path = "/v1/sessions/tagged/state";
    const put = (/** @type {string} */ json, /** @type {Record<string, string>} */ headers = {}) =>
      the.api.send("PUT", path, json, headers);
    const first = await put('{"n":1}');
    const tag = first.headers.get("etag") ?? "";
    for (const { headers } of [first, await the.api.get(path)]) {
      assert.equal(headers.get("cache-control"), UNTOUCHED);
      assert.equal(headers.get("etag"), tag);
    }
    const known = await the.api.send("GET", path, undefined, { "if-none-match": `"x", W/${tag}` });
    assert.deepEqual([known.status, known.headers.get("cache-control")], [304, UNTOUCHED]);

    const second = await put('{"n":2}', { "if-match": `"x", ${tag}` });
    assert.equal(second.status, 200, second.text);
    const now = second.headers.get("etag") ?? "";
    const weak = assertProblem(await put('{"n":3}', { "if-match": `W/${now}` }), 412, "precondition_failed");
    assert.match(weak.detail, /weak tag/);
    const stale = assertProblem(await put('{"n":3}', { "if-match": `"x", ${tag}` }), 412, "precondition_failed");
    assert.match(stale.detail, /another tag/);
    assert.equal((await put('{"n":3}', { "if-match": `${tag}, W/"y" , ${now}` })).status, 200);
    assertProblem(await put('{"n":4}', { "if-match": `${tag} ${now}` }), 400, "invalid_precondition");
    assert.deepEqual((await the.api.get(path)).body, { n: 3 });
    const absent = await the.api.send("PUT", "/v1/sessions/untagged/state", "{}", { "if-match": `${tag}, ${now}` });
    assertProblem(absent, 412, "precondition_failed");
  });

  test("a preflight allows what a listed page asks for, in any spelling of the list", async () => {
    const names = "last-event-id,traceparent,tracestate,baggage,sentry-trace,x-datadog-trace-id,user-agent";
    for (const [origin, listed] of /** @type {const} */ ([
      ["https://app.example.com", true],
      ["https://pr-1.preview.pages.dev", true],
      ["https://pr-1.evil.preview.pages.dev", false],
      ["https://evil.example", false],
    ])) {
      const asked = { "access-control-request-method": "GET", "access-control-request-headers": names };
      const preflight = await ask("/v1/sessions/s/stream", { method: "OPTIONS", headers: { origin, ...asked } });
      assert.equal(preflight.status, 204);
      assert.equal(preflight.headers.get("access-control-allow-headers") === names, listed, origin);
      assert.equal(preflight.headers.get("access-control-allow-origin"), listed ? origin : null);
      const refused = await ask("/v1/nowhere", { headers: { origin } });
      assert.ok(refused.headers.get("x-request-id"));
      const exposed = refused.headers.get("access-control-expose-headers") ?? "";
      assert.equal(exposed.split(", ").includes("x-request-id"), listed, origin);
      await refused.text();
    }
  });

  test("HEAD of an event stream answers at once and takes no watcher's place", async () => {
    for (const path of ["/v1/events", "/v1/admin/events"]) {
      for (let number = 0; number < 110; number += 10) {
        const heads = await Promise.all(Array.from({ length: 10 }, () => ask(path, { method: "HEAD" })));
        for (const head of heads) {
          assert.equal(head.status, 200);
          assert.ok(isStream(head));
          assert.equal(head.headers.get("cache-control"), UNTOUCHED);
        }
      }
      const watcher = await ask(path);
      assert.equal(watcher.status, 200, path);
      await watcher.body?.cancel();
    }
    const none = await ask("/v1/sessions/streams/stream", { method: "HEAD" });
    assert.ok([200, 204].includes(none.status));
  });

  test("a watcher who leaves frees its place", async () => {
    const watchers = [];
    for (let number = 0; number < 100; number += 1) {
      const controller = new AbortController();
      const answer = await fetch(`${the.worker.url}/v1/events`, { signal: controller.signal });
      if (answer.status === 429) break;
      watchers.push({ controller, answer });
    }
    assert.equal((await ask("/v1/events")).status, 429);
    for (const { controller } of watchers) controller.abort();
    const next = await eventually(
      () => ask("/v1/events"),
      ({ status }) => status === 200,
      60_000,
    );
    await next.body?.cancel();
  });
});
