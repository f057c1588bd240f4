// Ids as other libraries mint them, and texts in every form of Unicode: found by a search, cut as titles.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { assertProblem, ok } from "../harness/api.mjs";
import { onEachStore } from "../harness/stores.mjs";

onEachStore("ids and texts", {}, (the) => {
  test("ids of nanoid are taken wherever an id stands", async () => {
    for (const first of ["_", "-", "--"]) {
      const id = (/** @type {string} */ name) => `${first}${name}${randomUUID()}`;
      const [session_id, message_id, key] = [id("s"), id("m"), id("k")];
      const turn = { message: "Hello", session_id, message_id };
      ok(await the.api.chat(turn, { "idempotency-key": key }));
      assert.equal(ok(await the.api.chat(turn, { "idempotency-key": key })).replayed, true);
      const [asked, reply] = (await the.api.history(session_id)).messages;
      assert.deepEqual([asked.id, reply.parent], [message_id, message_id]);
      ok(await the.api.chat({ session_id, message: "Edited", cut_after: message_id }));
      ok(await the.api.chat({ session_id, regenerate: message_id }));
      assert.equal((await the.api.history(session_id)).messages.length, 2);
      ok(await the.api.send("POST", `/v1/sessions/${session_id}/fork`, { session_id: id("f"), at: message_id }));
      const parts = [{ type: "text", text: "Hi" }];
      const chat = { id: id("c"), messages: [{ id: id("u"), role: "user", parts }] };
      assert.equal((await the.api.send("POST", "/v1/ai/chat", chat)).status, 200);
      ok(await the.api.delete(session_id));
    }
    for (const none of ["-", ".a", ":a"]) {
      assertProblem(await the.api.chat({ message: "x", session_id: none }), 400, "invalid_session_id");
    }
  });

  test("a search finds titles whatever their form, their case and their accents", async () => {
    for (const [title, ...queries] of [
      ["Bệnh viện", "bệnh", "BENH", "viê\u0323n"],
      ["학점 계산", "학점"],
      ["Café crème", "café", "cafe\u0301", "CREME"],
      ["Ångström", "angstrom"],
      ["İstanbul", "istanbul", "İSTANBUL"],
      ["Straße", "STRASSE", "straße"],
      ["Đà Nẵng", "da nang"],
      ["Łódź", "lodz"],
      ["Smørrebrød", "smorrebrod"],
      ["ＡＢＣ", "abc"],
      ["σίσυφος", "ΣΊΣΥΦΟΣ"],
      ["हिन्दी", "हिन्दी"],
    ]) {
      for (const form of ["NFC", "NFD"]) {
        const { session_id } = ok(await the.api.send("POST", "/v1/sessions", { title: title.normalize(form) }));
        for (const query of queries.flatMap((query) => [query.normalize("NFC"), query.normalize("NFD")])) {
          const { sessions } = ok(await the.api.get(`/v1/sessions?q=${encodeURIComponent(query)}`));
          assert.ok(
            sessions.some((session) => session.session_id === session_id),
            `${query} finds ${title} in ${form}`,
          );
        }
      }
    }
    assert.deepEqual(ok(await the.api.get(`/v1/sessions?q=${encodeURIComponent("か\u3099")}`)).sessions, []);
  });

  test("a title is cut between characters, shows something and turns nothing", async () => {
    const title = async (/** @type {string} */ message) => ok(await the.api.chat({ message })).session.title;
    const flags = await title("\u{1F1F0}\u{1F1F7}".repeat(40));
    assert.match(flags, /^(\u{1F1F0}\u{1F1F7})+…$/u);
    assert.equal(await title("\u200b\u200b\nHello \u202eworld"), "Hello world");
    assert.equal(await title("\u200b\u200b\u200b"), undefined);
  });
});
