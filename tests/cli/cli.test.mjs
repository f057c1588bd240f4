// The operator's command line, against a running Worker.
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Api, eventually, ok } from "../harness/api.mjs";
import { chatkeep, PROGRAM } from "../harness/command-line.mjs";
import { Process } from "../harness/processes.mjs";
import { onEachStore } from "../harness/stores.mjs";

const KEY = "command-line-key";
const OWNERS = 5;
const SESSIONS = 4;
const VARS = { API_KEYS: KEY, ADMIN_TEXTS: "on", UNDO_SECONDS: "0" };

onEachStore("the command line", VARS, (the) => {
  const folder = mkdtempSync(join(tmpdir(), "chatkeep-cli-"));
  after(() => rmSync(folder, { recursive: true }));
  const api = (/** @type {string} */ user, path = "") =>
    new Api(the.worker.url + path, { "x-api-key": KEY, "chatkeep-user": user });

  /** What it says when it goes well. */
  async function says(/** @type {string[]} */ args, url = the.worker.url, input = "") {
    const { code, out, err } = await chatkeep({ url, key: KEY }, args, input);
    assert.equal(code, 0, err);
    return { out, err };
  }
  const figures = async () => JSON.parse((await says(["stats", "--json"])).out);
  const content = (/** @type {string} */ text) =>
    text
      .split("\n")
      .filter((line) => /^{"(session|message)"/.test(line))
      .sort();

  before(async () => {
    for (let owner = 0; owner < OWNERS; owner += 1) {
      for (let session = 0; session < SESSIONS; session += 1) {
        await api(`u${owner}`).say(`Žluťoučký ${session}`, { session_id: `s${session}` });
      }
    }
    await eventually(figures, ({ sessions }) => sessions === OWNERS * SESSIONS);
  });

  test("stats counts", async () => {
    const all = await figures();
    assert.deepEqual([all.owners, all.sessions, all.messages], [OWNERS, OWNERS * SESSIONS, 2 * OWNERS * SESSIONS]);
    const { out } = await says(["stats"]);
    assert.match(out, /^sessions +20$/m);
    assert.match(out, the.store === "upstash" ? /memory +\d+ k?M?B of no limit/ : /store +vault/);
  });

  test("ls finds, show shows", async () => {
    const lines = (await says(["ls", "--owner", "u-u1", "--json"])).out.trim().split("\n");
    assert.deepEqual(lines.map((line) => JSON.parse(line).session_id).sort(), ["s0", "s1", "s2", "s3"]);
    assert.match((await says(["ls", "-q", "KÝ 2"])).out, /^u-u3 +s2 .*Žluťoučký 2$/m);
    const { out } = await says(["show", "u-u1", "s2"]);
    assert.match(out, /message_count +2/);
    assert.match(out, /User\nŽluťoučký 2\n[\s\S]*Assistant\n/);
    assert.match(
      (await chatkeep({ url: the.worker.url, key: KEY }, ["show", "u-u1", "none"])).err,
      /has no session none/,
    );
  });

  test("a wrong key, a wrong place and a wrong option are told apart", async () => {
    const wrong = await chatkeep({ url: the.worker.url, key: "wrong" }, ["stats"]);
    assert.deepEqual([wrong.code, wrong.err.split(":")[1].trim()], [1, "401 unauthorized"]);
    const nowhere = await chatkeep({ url: `${the.worker.url}/openapi.json` }, ["stats"]);
    assert.match(nowhere.err, /404/);
    assert.equal((await chatkeep({ url: the.worker.url }, ["remove"])).code, 2);
  });

  test("what is exported, deleted and imported is what it was; a broken stream goes on", async () => {
    const proxy = await breaking(the.worker.url);
    after(() => proxy.close());
    const file = join(folder, "all.ndjson");
    const { err } = await says(["export", "-o", file], proxy.url);
    assert.match(err, /exported \d+ sessions/);
    assert.ok(proxy.broken() >= 2, `${proxy.broken()}`);
    const text = readFileSync(file, "utf8");
    assert.equal(new Set(content(text)).size, 3 * OWNERS * SESSIONS);
    assert.match(text, /{"end":{"sessions":\d+,"messages":\d+}}\n$/);

    const refused = await chatkeep({ url: the.worker.url, key: KEY }, ["rm", "--all"]);
    assert.match(refused.err, /deletes all 20 sessions of all 5 owners: say --yes/);
    assert.match((await says(["rm", "u-u1", "s1", "--yes"])).err, /deleted 1 /);
    assert.match((await says(["rm", "u-u1", "--yes"])).err, /deleted 3 /);
    assert.match((await says(["rm", "--all", "--yes"])).err, /deleted 16 /);
    assert.equal((await figures()).sessions, 0);

    assert.match((await says(["import", file, "--dry-run"])).out, /sessions with \d+ messages, from Chatkeep/);
    for (let time = 0; time < 2; time += 1) assert.match((await says(["import", file])).err, /imported \d+ sessions/);
    assert.deepEqual([...new Set(content(text))], content((await says(["export"])).out));
  });

  test("a bad line is named, the rest comes in, and a dry run says the same", async () => {
    const stored = (/** @type {number} */ number) => ({ id: `m${number}`, role: "user", content: "x".repeat(9_000) });
    const lines = [
      JSON.stringify({ session: { owner: "u-lines", session_id: "lines", created_ms: 1, updated_ms: 1 } }),
    ];
    for (let position = 0; position < 900; position += 1) {
      const message = { ...stored(position), created: "2026-01-01T00:00:00.000Z" };
      lines.push(JSON.stringify({ message: { owner: "u-lines", session_id: "lines", position, message } }));
    }
    // In the first piece and in the second: what comes after moves up.
    lines[10] = "oops";
    lines[700] = lines[700].replace('"user"', '"robot"');
    const file = join(folder, "lines.ndjson");
    writeFileSync(file, `\ufeff${lines.join("\r\n")}\r\n`);
    const named = /left out: line 11: invalid_json[^\n]*\nleft out: line 701: invalid_body/;
    const dry = await chatkeep({ url: the.worker.url, key: KEY }, ["import", file, "--dry-run"]);
    assert.deepEqual([dry.code, dry.out], [1, "1 sessions with 898 messages, from Chatkeep\n"], dry.err);
    assert.match(dry.err, named);
    assert.equal((await chatkeep({ url: the.worker.url, key: KEY }, ["show", "u-lines", "lines"])).code, 1);
    const brought = await chatkeep({ url: the.worker.url, key: KEY }, ["import", file]);
    assert.equal(brought.code, 1);
    assert.match(brought.err, /imported 1 sessions with 898 messages/);
    assert.match(brought.err, named);
    assert.equal(ok(await api("lines").info("lines")).message_count, 898);
    ok(await api("lines").delete("lines"));
  });

  test("what shows no known format is refused, and taken where it is named", async () => {
    const input = JSON.stringify({ id: "sess_said", messages: [{ role: "user", content: "hi" }] });
    const refused = await chatkeep({ url: the.worker.url, key: KEY }, ["import", "-"], input);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /value 1 is of no known format.*understood are Chatkeep's export/);
    assert.match((await says(["import", "-", "--from", "jarvis"], the.worker.url, input)).err, /imported 1 sessions/);
    ok(await new Api(`${the.worker.url}/jarvis`, { "x-api-key": KEY }).get("/api/sessions/sess_said/history"));
  });

  test("reseal looks at the texts of every namespace", async () => {
    const looked = async (args = []) => {
      const [, seen, resealed] =
        /looked at (\d+) texts, resealed (\d+)/.exec((await says(["reseal", ...args])).err) ?? [];
      return [Number(seen), Number(resealed)];
    };
    const [before] = await looked();
    await api("u9").say("Ahoj", { session_id: "s1" });
    await api("u9", "/jarvis").say("Ahoj", { session_id: "s1" });
    await eventually(looked, ([seen]) => seen === before + 6);
    assert.deepEqual(await looked(["--owner", "u-u9"]), [6, 0]);
    assert.deepEqual(await looked(["--owner", "u-u9", "--namespace", "jarvis"]), [3, 0]);
  });

  test("a command that was broken off goes on in its file", async () => {
    const whole = (await says(["export"])).out;
    const file = join(folder, "half.ndjson");
    writeFileSync(file, whole);
    // In the middle of a line after a cursor.
    truncateSync(file, Buffer.byteLength(whole.slice(0, whole.lastIndexOf('{"cursor"'))) - 20);
    await says(["export", "-o", file, "--resume"]);
    assert.deepEqual([...new Set(content(readFileSync(file, "utf8")))], content(whole));
    assert.match((await says(["export", "-o", file, "--resume"])).err, /whole already/);
    writeFileSync(file, "something else\n");
    assert.match((await chatkeep({ url: the.worker.url }, ["export", "-o", file, "--resume"])).err, /is no export/);
  });

  test("the backup file of the storage guide, as its shell loop writes it", async () => {
    const file = join(folder, "sessions_backup.json");
    for (const id of ["550e8400-e29b-41d4-a716-446655440000", "660e8400-e29b-41d4-a716-446655440000"]) {
      const messages = [
        { role: "user", content: "Điều kiện tham gia đấu thầu?", timestamp: "2025-11-14T10:30:00Z", metadata: {} },
        {
          role: "assistant",
          content: "Theo Luật Đấu thầu 2023...",
          timestamp: "2025-11-14T10:30:05Z",
          metadata: { sources: ["doc1", "doc2"], processing_time_ms: 3500 },
        },
      ];
      const times = { created_at: "2025-11-14T10:30:00Z", last_activity: "2025-11-14T10:35:00Z" };
      appendFileSync(file, `${JSON.stringify({ session_id: id, user_id: "user123", ...times, messages })}\n\n`);
    }
    for (let time = 0; time < 2; time += 1) assert.match((await says(["import", file])).err, /imported 2 sessions/);
    const guide = new Api(`${the.worker.url}/storage-guide`, { "x-api-key": KEY });
    const listed = ok(await guide.get("/api/chat/sessions?user_id=user123"));
    assert.equal(listed.total, 2);
    const history = ok(await guide.get("/api/chat/sessions/550e8400-e29b-41d4-a716-446655440000/history"));
    assert.equal(history.messages[0].content, "Điều kiện tham gia đấu thầu?");
    assert.deepEqual(history.messages[1].metadata.sources, ["doc1", "doc2"]);
    assert.equal(Date.parse(history.messages[1].timestamp), Date.parse("2025-11-14T10:30:05Z"));
  });

  test("JSON values of JARVIS, by their keys", async () => {
    const value = {
      history: [
        { role: "user", content: "Ahoj" },
        { role: "assistant", content: "Ahoj!" },
      ],
    };
    const input = JSON.stringify({ "jarvis:session:sess_abc123": JSON.stringify(value) });
    await says(["import", "-"], the.worker.url, input);
    const found = ok(
      await new Api(`${the.worker.url}/jarvis`, { "x-api-key": KEY }).get("/api/sessions/sess_abc123/history"),
    );
    assert.deepEqual(found.history, value.history);
  });

  test("rows of OpenTA, for an owner", async () => {
    const rows = [1, 2].map((number) => ({
      id: `00000000-0000-4000-8000-00000000000${number}`,
      conversation_id: "test_conv_123",
      question: `Apa ${number}?`,
      answer: `Jawab ${number}`,
      sources: ["Paper_001"],
      timestamp: `2026-01-0${number}T00:00:00`,
    }));
    await says(["import", "-", "--owner", "u-ada"], the.worker.url, JSON.stringify(rows));
    const { history } = ok(await api("ada", "/openta").get("/chat/history/test_conv_123"));
    assert.deepEqual(
      history.map(({ question, answer, sources }) => [question, answer, sources]),
      rows.map(({ question, answer, sources }) => [question, answer, sources]),
    );
  });

  test("tail follows the log", async () => {
    const env = { ...process.env, CHATKEEP_URL: the.worker.url, CHATKEEP_API_KEY: KEY };
    const tail = new Process(PROGRAM, ["tail", "-q", "followed"], { env });
    try {
      await api("u1").say("Hush", { session_id: "followed" });
      await tail.ready("shown", () => /POST \/v1\/chat +followed/.test(tail.logs()) || undefined);
      assert.match(tail.logs(), /info +message_added +200 +POST \/v1\/chat +followed +\d+ ms/);
      assert.ok(!tail.logs().includes("Hush"));
    } finally {
      await tail.stop();
    }
  });
});

/** A proxy that breaks exports off twice, after some of their lines. */
async function breaking(/** @type {string} */ target) {
  let broken = 0;
  const server = createServer((incoming, outgoing) => {
    const { method, headers, url } = incoming;
    const onwards = request(target + url, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      if (!url?.includes("/export") || broken >= 2) return answer.pipe(outgoing);
      broken += 1;
      let lines = 0;
      answer.on("data", (chunk) => {
        outgoing.write(chunk);
        lines += `${chunk}`.split("\n").length - 1;
        if (lines > 15) outgoing.destroy();
      });
      answer.on("end", () => outgoing.end());
    });
    incoming.pipe(onwards);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", () => listening(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return { url: `http://127.0.0.1:${port}`, broken: () => broken, close: () => server.close() };
}
