// The state that an agent keeps with a session: any JSON, kept to the byte, written on a condition.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { assertProblem, ok } from "../harness/api.mjs";
import { onEachStore } from "../harness/stores.mjs";

const MAX = 10_000;
const fresh = (name) => `${name}-${randomUUID()}`;

onEachStore("state", { MAX_STATE_BYTES: `${MAX}` }, (the) => {
  const path = (id) => `/v1/sessions/${id}/state`;
  const read = (id, headers) => the.api.send("GET", path(id), undefined, headers);
  const write = (id, json, headers) => the.api.send("PUT", path(id), json, headers);
  const tag = (answer) => answer.headers.get("etag");

  test("is written and read with a strong tag that changes with every write", async () => {
    const id = fresh("state");
    const first = await write(id, '{"n":1}');
    assert.equal(first.status, 201, first.text);
    assert.deepEqual([first.body.session_id, first.body.message_count], [id, 0]);
    assert.match(tag(first), /^"[^"]+"$/);
    const got = await read(id);
    assert.deepEqual([got.status, got.text, tag(got)], [200, '{"n":1}', tag(first)]);
    assert.match(got.headers.get("content-type"), /^application\/json/);

    const second = await write(id, '{"n":1}');
    assert.equal(second.status, 200);
    assert.notEqual(tag(second), tag(first));
    assert.ok(second.body.revision > first.body.revision);
    assert.equal(tag(await read(id)), tag(second));
    assert.equal((await the.api.list("?limit=200")).sessions.filter((one) => one.session_id === id).length, 1);
  });

  test("isn't there without a session, nor in one that has none", async () => {
    const id = fresh("none");
    assertProblem(await read(id), 404, "session_not_found");
    ok(await the.api.send("POST", "/v1/sessions", { session_id: id }));
    assertProblem(await read(id), 404, "state_not_found");
    assert.equal((await write(id, "1")).status, 200);
  });

  for (const [what, json] of Object.entries({
    "numbers as they are spelled": '{"a":1.0,"b":1e3,"c":9007199254740993,"d":-0,"e":0.10,"f":1E+400}',
    Unicode: '{"ž":"Příliš žluťoučký kůň 👩‍👩‍👧‍👦","\\u0041":"\\u0000\\ud83d\\ude00","مرحبا":"𠮷"}',
    "members twice, and their order": '{"b":1,"a":2,"b":3}',
    "an array with null": "[null,[],{}]",
    "a text": '"{app}"',
    "a number": "0.30",
    false: "false",
    "an empty object": "{}",
  })) {
    test(`is kept to the byte: ${what}`, async () => {
      const id = fresh("bytes");
      ok(await write(id, json));
      assert.equal((await read(id)).text, json);
    });
  }

  test("is kept without the white space between its tokens", async () => {
    const id = fresh("compact");
    ok(await write(id, '{ "a b" : [ 1.0 ,\n\t" 2 " ] }\r\n'));
    assert.equal((await read(id)).text, '{"a b":[1.0," 2 "]}');
  });

  test("known already, it is not sent again", async () => {
    const id = fresh("known");
    const current = tag(await write(id, "[1]"));
    for (const tags of [current, `"other", ${current}`, `W/${current}`, "*"]) {
      const answer = await read(id, { "if-none-match": tags });
      assert.deepEqual([answer.status, answer.text, tag(answer)], [304, "", current], tags);
    }
    assert.equal((await read(id, { "if-none-match": '"other"' })).text, "[1]");
    ok(await write(id, "[2]"));
    assert.equal((await read(id, { "if-none-match": current })).text, "[2]");
  });

  describe("If-Match", () => {
    test("writes over the named state only", async () => {
      const id = fresh("match");
      const first = tag(await write(id, "1"));
      ok(await write(id, "2", { "if-match": first }));
      const second = tag(await read(id));
      assert.notEqual(second, first);
      for (const stale of [first, '"0-0"', '"other"', `W/${second}`]) {
        assertProblem(await write(id, "3", { "if-match": stale }), 412, "precondition_failed");
      }
      assert.deepEqual([(await read(id)).text, tag(await read(id))], ["2", second]);
      ok(await write(id, "4", { "if-match": "*" }));
      assert.equal((await read(id)).text, "4");
    });

    test("creates nothing", async () => {
      const id = fresh("match");
      for (const condition of ["*", '"1-1"']) {
        assertProblem(await write(id, "1", { "if-match": condition }), 412, "precondition_failed");
      }
      assertProblem(await read(id), 404, "session_not_found");
      ok(await the.api.send("POST", "/v1/sessions", { session_id: id }));
      assertProblem(await write(id, "1", { "if-match": "*" }), 412, "precondition_failed");
      assertProblem(await read(id), 404, "state_not_found");
    });

    test("lets one of two racing writers win, each time", async () => {
      const id = fresh("race");
      let current = tag(await write(id, "0"));
      for (let round = 1; round <= 10; round += 1) {
        const writers = [`"a${round}"`, `"b${round}"`];
        const answers = await Promise.all(writers.map((json) => write(id, json, { "if-match": current })));
        const winner = answers.findIndex((answer) => answer.status === 200);
        assertProblem(answers[1 - winner], 412, "precondition_failed");
        const now = await read(id);
        assert.deepEqual([now.text, tag(now)], [writers[winner], tag(answers[winner])]);
        current = tag(now);
      }
    });
  });

  for (const there of [false, true]) {
    test(`If-None-Match: * is a get-or-create for twenty at once, ${there ? "with" : "without"} a session`, async () => {
      const id = fresh("create");
      if (there) ok(await the.api.send("POST", "/v1/sessions", { session_id: id }));
      const values = Array.from({ length: 20 }, (_, number) => `{"writer":${number}}`);
      const answers = await Promise.all(
        values.map(async (json) => {
          const written = await write(id, json, { "if-none-match": "*" });
          return { written, seen: await read(id) };
        }),
      );
      const winners = answers.flatMap(({ written }, number) => (written.status < 300 ? [number] : []));
      assert.equal(winners.length, 1);
      assert.equal(answers[winners[0]].written.status, there ? 200 : 201);
      for (const [number, { written, seen }] of answers.entries()) {
        if (number !== winners[0]) assertProblem(written, 412, "precondition_failed");
        assert.equal(seen.text, values[winners[0]]);
        assert.equal(tag(seen), tag(answers[winners[0]].written));
      }
    });
  }

  test("a repeated conditional write under its key is the same write", async () => {
    const id = fresh("key");
    const headers = { "if-none-match": "*", "idempotency-key": fresh("key") };
    const first = await write(id, "1", headers);
    assert.equal(first.status, 201);
    const again = await write(id, "1", headers);
    assert.ok(again.status < 300, again.text);
    assert.equal(tag(again), tag(first));
    const later = tag(await write(id, "2"));
    await write(id, "1", headers);
    assert.deepEqual([(await read(id)).text, tag(await read(id))], ["2", later]);
  });

  test("refuses what is none, and keeps what was there", async () => {
    const id = fresh("bad");
    ok(await write(id, "1"));
    for (const json of ["null", " null "]) {
      const { status, body } = await write(id, json);
      assert.deepEqual([status, body?.code], [400, "invalid_body"]);
    }
    for (const [json, code] of [
      ["", "invalid_json"],
      ["{", "invalid_json"],
      ["1 2", "invalid_json"],
      ["NaN", "invalid_json"],
    ]) {
      assertProblem(await write(id, json), 400, code);
    }
    for (const headers of [
      { "if-match": "bare" },
      { "if-none-match": '"a"' },
      { "if-match": "*", "if-none-match": "*" },
    ]) {
      assertProblem(await write(id, "2", headers), 400, "invalid_precondition");
    }
    assert.equal((await read(id)).text, "1");
  });

  test("has a size that counts in bytes", async () => {
    const id = fresh("size");
    const whole = JSON.stringify("ž".repeat((MAX - 2) / 2));
    assert.equal(Buffer.byteLength(whole), MAX);
    ok(await write(id, whole));
    assertProblem(await write(id, `"x${whole.slice(1)}`), 413, "state_too_large");
    assert.equal((await read(id)).text, whole);
    const other = fresh("size");
    assertProblem(await write(other, `"x${whole.slice(1)}`), 413, "state_too_large");
    assertProblem(await the.api.info(other), 404, "session_not_found");
  });

  test("goes with its session", async () => {
    const id = fresh("deleted");
    ok(await write(id, "1"));
    ok(await the.api.delete(id));
    assertProblem(await write(id, "2"), 410, "session_deleted");
    assertProblem(await write(id, "2", { "if-none-match": "*" }), 410, "session_deleted");
    assertProblem(await read(id), 404, "session_not_found");
  });
});
