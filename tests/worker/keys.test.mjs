// What an Idempotency-Key confirms: the same request alone. Every request is followed by every other one under the same key.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertProblem, ok } from "../harness/api.mjs";
import { fresh, keyed, sessionsOf } from "../harness/sessions.mjs";
import { onEachStore } from "../harness/stores.mjs";

const KEYS = `k1:${"01".repeat(32)}`;

for (const [name, vars] of Object.entries({ keys: {}, "keys, encrypted": { ENCRYPTION_KEYS: KEYS } })) {
  onEachStore(name, vars, (the) => {
    const { post } = sessionsOf(the);

    /** A user's message as the AI SDK sends it. */
    const chat = (/** @type {string} */ id, /** @type {string} */ text) => ({
      id,
      trigger: "submit-message",
      messages: [{ id: "ai", role: "user", parts: [{ type: "text", text }] }],
    });

    /** @type {Record<string, (id: string, payload: string, headers: Record<string, string>) => Promise<any>>} */
    const requests = {
      turn: (id, message, headers) => the.api.chat({ message, session_id: id, message_id: "turn" }, headers),
      ai: (id, text, headers) => the.api.send("POST", "/v1/ai/chat", chat(id, text), headers),
      append: (id, content, headers) => post(id, "messages", { messages: [{ role: "user", content }] }, headers),
      create: (id, title, headers) => the.api.send("POST", "/v1/sessions", { session_id: id, title }, headers),
      delete: (id, _, headers) => the.api.send("DELETE", `/v1/sessions/${id}`, undefined, headers),
      patch: (id, title, headers) => the.api.send("PATCH", `/v1/sessions/${id}`, { title }, headers),
      restore: (id, _, headers) => post(id, "restore", undefined, headers),
      state: (id, value, headers) => the.api.send("PUT", `/v1/sessions/${id}/state`, { value }, headers),
      truncate: (id, payload, headers) => post(id, "truncate", { after: payload === "one" ? "m0" : "-" }, headers),
      fork: (id, title, headers) => post("source", "fork", { session_id: id, title }, headers),
    };
    const plain = new Set(["delete", "restore"]);

    /** All that can be seen of a session, but for the ids of the requests that look. */
    const seen = async (/** @type {string} */ id) => {
      const paths = ["", "/history", "/state"].map((rest) => `/v1/sessions/${id}${rest}`);
      const answers = await Promise.all(paths.map((path) => the.api.get(path)));
      return answers.map(({ text }) => text.replace(/"request_id":"\w+"/, ""));
    };

    describe("a key", () => {
      test("confirms the same request alone", async () => {
        await the.api.say("Hello", { session_id: "source" });
        for (const [first, make] of Object.entries(requests)) {
          for (const [second, other] of Object.entries(requests)) {
            const pair = `${first}, then ${second}`;
            const [id, key] = [fresh("keys"), keyed(fresh("key"))];
            if (first !== "create" && first !== "fork") {
              ok(await post(id, "messages", { messages: [{ id: "m0", role: "user", content: "Hello" }] }));
            }
            if (first === "restore") {
              ok(await the.api.delete(id));
            }
            ok(await make(id, "one", key));
            if (first === "delete") {
              ok(await post(id, "restore"));
            }
            const before = await seen(id);
            const again = await other(id, "one", key);
            assert.equal(again.status < 300, first === second, `${pair}: ${again.status} ${again.text}`);
            assert.deepEqual(await seen(id), before, `${pair} changed something`);
            if (first !== second) {
              assertProblem(again, 422, "turn_mismatch");
            } else if (!plain.has(first)) {
              assertProblem(await other(id, "two", key), 422, "turn_mismatch");
              assert.deepEqual(await seen(id), before, `${pair} with another payload changed something`);
            }
          }
        }
      });

      test("that was a message's id confirms no deletion", async () => {
        const id = fresh("keys");
        await the.api.say("My secret", { session_id: id, message_id: "m1" });
        assertProblem(await the.api.send("DELETE", `/v1/sessions/${id}`, undefined, keyed("m1")), 422, "turn_mismatch");
        ok(await the.api.delete(id));
        assertProblem(await the.api.info(id), 404, "session_not_found");
      });
    });
  });
}
