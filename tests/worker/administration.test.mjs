// Everybody's sessions under an operator's key: figures, list, export and import, deletion, the rebuild of everything, the log.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { before, test } from "node:test";
import { Api, assertProblem, eventually, ok } from "../harness/api.mjs";
import { visitorToken } from "../harness/fake-issuer.mjs";
import { onEachStore } from "../harness/stores.mjs";

const VISITORS = randomBytes(32).toString("hex");
const KEY = "admin-key";
const USERS = 7;

/** Asks for one answer after the other until none says where it goes on. */
async function whole(/** @type {Api} */ api, /** @type {string} */ path, method = "GET") {
  const answers = [];
  for (let cursor = ""; ; ) {
    const and = path.includes("?") ? "&" : "?";
    const answer = ok(await api.send(method, path + (cursor && `${and}cursor=${encodeURIComponent(cursor)}`)));
    answers.push(answer);
    if (!answer.next_cursor) return answers;
    assert.notEqual(answer.next_cursor, cursor, "it goes on");
    cursor = answer.next_cursor;
  }
}

const sum = (/** @type {any[]} */ answers, /** @type {string} */ name) =>
  answers.reduce((total, answer) => total + answer[name], 0);

/** The lines of an export, which goes on where it ended. */
async function exported(/** @type {Api} */ api, query = "") {
  /** @type {any[]} */
  const lines = [];
  for (let cursor = ""; ; ) {
    const path = `/v1/admin/export?${query}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    const { text } = await api.get(path);
    const some = text.trimEnd().split("\n");
    lines.push(...some);
    const last = JSON.parse(some.at(-1) ?? "{}");
    if (last.end) return lines;
    cursor = last.cursor;
    assert.ok(cursor, text);
  }
}

const content = (/** @type {string[]} */ lines) => lines.filter((line) => /^{"(session|message)"/.test(line));

onEachStore("everybody's sessions", { API_KEYS: KEY, VISITOR_SECRET: VISITORS, UNDO_SECONDS: "0" }, (the) => {
  /** @type {Api} */
  let admin;
  /** @type {Api} */
  let visitor;
  const as = (/** @type {string} */ user) => new Api(the.worker.url, { "x-api-key": KEY, "chatkeep-user": user });

  before(async () => {
    admin = new Api(the.worker.url, { "x-api-key": KEY });
    const token = visitorToken(VISITORS, "0123456789abcdef0123456789abcdef", Math.floor(Date.now() / 1000) + 600);
    visitor = new Api(the.worker.url, { authorization: `Bearer ${token}` });
    for (let user = 0; user < USERS; user += 1) {
      for (let session = 0; session <= user; session += 1) {
        await as(`user${user}`).say(`Hush ${session}`, { session_id: `s${session}` });
      }
    }
    await visitor.say("Příliš tajné", { session_id: "secret", message_id: "m1" });
    ok(await visitor.send("PUT", "/v1/sessions/secret/state", { step: 1 }));
    await eventually(
      () => whole(admin, "/v1/admin/owners?limit=3"),
      (pages) => pages.flatMap((page) => page.owners).length === USERS + 1,
    );
  });
  const SESSIONS = (USERS * (USERS + 1)) / 2 + 1;

  test("the figures are exact, whole or in parts", async () => {
    const [all] = await whole(admin, "/v1/admin/stats");
    assert.deepEqual([all.owners, all.sessions, all.messages], [USERS + 1, SESSIONS, 2 * SESSIONS]);
    assert.deepEqual([all.namespace, all.store, all.ttl_seconds], ["chatkeep:", the.store, 604_800]);
    assert.deepEqual([all.expiring_soon, all.ttl_left.at(-1), all.ttl_left.length], [0, SESSIONS, 8]);
    const bytes = ok(await visitor.info("secret")).bytes;
    const [mine] = await whole(admin, `/v1/admin/stats?owner=${ok(await visitor.send("POST", "/v1/visitors")).owner}`);
    assert.deepEqual([mine.sessions, mine.bytes], [1, bytes]);
    const parts = await whole(admin, "/v1/admin/stats?limit=2");
    assert.ok(parts.length > 3, `${parts.length}`);
    for (const name of ["owners", "sessions", "messages", "bytes"]) assert.equal(sum(parts, name), all[name], name);
    const minute = all.activity.at(-1);
    assert.ok(minute.requests >= SESSIONS && minute.turns + (all.activity.at(-2)?.turns ?? 0) >= SESSIONS);
    if (the.store === "upstash") {
      assert.ok(
        all.redis.memory_bytes > 0 && all.redis.keys > SESSIONS && all.redis.hits > 0,
        JSON.stringify(all.redis),
      );
      assert.equal(all.redis.eviction_policy, "noeviction");
      await the.worker.redis.cli("CONFIG", "SET", "maxmemory", "100mb");
      assert.equal((await whole(admin, "/v1/admin/stats"))[0].redis.memory_limit_bytes, 104_857_600);
      await the.worker.redis.cli("CONFIG", "SET", "maxmemory", "0");
    } else assert.equal(all.redis, undefined);
  });

  test("the list has every session once, and no text", async () => {
    const pages = await whole(admin, "/v1/admin/sessions?limit=5");
    const sessions = pages.flatMap((page) => page.sessions);
    assert.equal(sessions.length, SESSIONS);
    assert.equal(new Set(sessions.map(({ owner, session_id }) => `${owner} ${session_id}`)).size, SESSIONS);
    assert.ok(sessions.every(({ bytes, message_count, title }) => bytes > 0 && message_count === 2 && !title));
    assert.ok(!JSON.stringify(pages).includes("Hush"));
    const found = (await whole(admin, "/v1/admin/sessions?q=SECRET")).flatMap((page) => page.sessions);
    assert.deepEqual(
      found.map(({ owner, session_id }) => [owner, session_id]),
      [["v-0123456789abcdef0123456789abcdef", "secret"]],
    );
    const hush = (await whole(admin, "/v1/admin/sessions?q=hush")).flatMap((page) => page.sessions);
    assert.deepEqual(hush, [], "nor are titles searched");
    const one = (await whole(admin, "/v1/admin/sessions?owner=u-user2")).flatMap((page) => page.sessions);
    assert.equal(one.length, 3);
    assertProblem(await admin.get("/v1/admin/export?owner=u-user2&session_id=s1"), 403, "forbidden");
    for (const query of ["cursor=x", "owner=a}b", "limit=0"]) {
      assertProblem(await admin.get(`/v1/admin/sessions?${query}`), 400, "invalid_parameter");
    }
  });

  test("pages of the store are not parted, and an export has each session once", async () => {
    const first = ok(await admin.get("/v1/admin/sessions?owner=u-user6&limit=1"));
    assert.equal(first.next_cursor, undefined, "an owner's page holds a hundred");
    const lines = content(await exported(admin));
    assert.equal(lines.length, 3 * SESSIONS);
  });

  test("everything is exported, deleted, imported, and is what it was", async () => {
    const lines = await exported(admin);
    const [before] = await whole(admin, "/v1/admin/stats");
    assertProblem(await admin.send("DELETE", "/v1/admin/sessions"), 400, "invalid_parameter");
    assertProblem(await admin.send("DELETE", "/v1/admin/sessions?confirm=yes"), 400, "invalid_parameter");
    assert.equal((await whole(admin, "/v1/admin/stats"))[0].sessions, SESSIONS);
    if (the.store === "upstash") await the.worker.redis.cli("FLUSHALL");
    else {
      const gone = await whole(admin, "/v1/admin/sessions?confirm=chatkeep:", "DELETE");
      assert.equal(sum(gone, "deleted"), SESSIONS);
    }
    assert.equal((await whole(admin, "/v1/admin/stats"))[0].sessions, 0);

    // A visitor's own import takes the visitor's own alone.
    const mine = ok(await visitor.send("POST", "/v1/import", lines.join("\n")));
    assert.deepEqual([mine.sessions, mine.failed_count], [1, 3 * (SESSIONS - 1)]);
    assert.ok(mine.failed.every(({ detail }) => detail === "it is another owner's: see /v1/admin/import"));
    const half = Math.floor(lines.length / 2);
    for (const part of [lines, lines.slice(0, half), lines.slice(half)]) {
      const answer = ok(await admin.send("POST", "/v1/admin/import", part.join("\n")));
      assert.deepEqual(answer.skipped, []);
      if (part === lines) assert.deepEqual([answer.sessions, answer.messages], [SESSIONS, 2 * SESSIONS]);
    }
    assert.deepEqual(content(await exported(admin)).sort(), content(lines).sort());
    const [after] = await whole(admin, "/v1/admin/stats");
    for (const name of ["owners", "sessions", "messages", "bytes"]) assert.equal(after[name], before[name], name);
    assert.equal((await visitor.history("secret")).messages[0].content, "Příliš tajné");
    assert.equal((await as("user3").list()).count, 4);
  });

  test("an export goes on at every one of its cursors", async () => {
    const lines = await exported(admin);
    const all = content(lines);
    const cursors = lines.filter((line) => line.startsWith('{"cursor"'));
    assert.ok(cursors.length >= USERS, `${cursors.length}`);
    for (const line of cursors) {
      const before = content(lines.slice(0, lines.indexOf(line)));
      const { cursor } = JSON.parse(line);
      const { text } = await admin.get(`/v1/admin/export?cursor=${encodeURIComponent(cursor)}`);
      assert.deepEqual(new Set([...before, ...content(text.trimEnd().split("\n"))]), new Set(all), line);
    }
  });

  test("one session, an owner's, and everybody's are deleted on confirmation alone", async () => {
    const path = "/v1/admin/sessions?confirm=chatkeep:";
    assertProblem(await admin.send("DELETE", `${path}&session_id=s1`), 400, "invalid_parameter");
    assert.equal(ok(await admin.send("DELETE", `${path}&owner=u-user6&session_id=s1`)).deleted, 1);
    assert.equal(ok(await admin.send("DELETE", `${path}&owner=u-user6&session_id=s1`)).deleted, 0);
    assert.equal((await as("user6").list()).count, 6);
    assert.equal(sum(await whole(admin, `${path}&owner=u-user6`, "DELETE"), "deleted"), 6);
    assert.equal((await as("user5").list()).count, 6);
    assert.equal(sum(await whole(admin, path, "DELETE"), "deleted"), SESSIONS - 7);
    assert.deepEqual(
      (await whole(admin, "/v1/admin/sessions")).flatMap(({ sessions }) => sessions),
      [],
    );
  });

  test("a rebuild of everyone's brings back lists and directory that were evicted", async () => {
    for (const user of ["ada", "bob"]) await as(user).say("Hello", { session_id: "mine" });
    if (the.store === "upstash") {
      const { redis } = the.worker;
      const keys = (await redis.cli("KEYS", "*")).split("\n").filter((key) => /:(index|cards)$|owners/.test(key));
      assert.ok(keys.length >= 5, `${keys}`);
      await redis.cli("DEL", ...keys);
      assert.deepEqual(
        (await whole(admin, "/v1/admin/sessions")).flatMap(({ sessions }) => sessions),
        [],
      );
      assert.equal(sum(await whole(admin, "/v1/admin/rebuild?everyone=true", "POST"), "sessions"), 2);
    }
    const [stats] = await whole(admin, "/v1/admin/stats");
    assert.deepEqual([stats.owners, stats.sessions], [2, 2]);
    assert.deepEqual(ok(await admin.send("POST", "/v1/admin/rebuild?owner=u-ada")), { sessions: 1 });
    assertProblem(await admin.send("POST", "/v1/admin/rebuild?everyone=true&cursor=x"), 400, "invalid_parameter");
  });

  test("the log is followed as it is written, without texts", async () => {
    const follower = new AbortController();
    const response = await fetch(`${the.worker.url}/v1/admin/events`, {
      headers: { "x-api-key": KEY },
      signal: follower.signal,
    });
    assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
    await visitor.say("Nobody may read this", { session_id: "followed" });
    let seen = "";
    const decoder = new TextDecoder();
    for await (const chunk of /** @type {any} */ (response.body)) {
      seen += decoder.decode(chunk, { stream: true });
      if (/"session_id":"followed"/.test(seen)) break;
    }
    follower.abort();
    const lines = seen.split("\n\n").filter((event) => event.startsWith("data: "));
    const line = lines.map((event) => JSON.parse(event.slice(6))).find(({ session_id }) => session_id === "followed");
    assert.deepEqual([line.event_type, line.route, line.status], ["message_added", "POST /v1/chat", 200]);
    assert.ok(!seen.includes("Nobody") && !seen.includes(KEY) && !seen.includes("v-0123"));
  });
});
