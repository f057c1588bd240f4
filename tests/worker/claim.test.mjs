// Claiming: a visitor's sessions become a user's. Each is in one namespace at every moment, wherever a claim breaks off.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { Api, assertProblem, eventually, ok } from "../harness/api.mjs";
import { secretToken, visitorToken } from "../harness/fake-issuer.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { FakeModelApi, Gate } from "../harness/model-api.mjs";
import { startRedis } from "../harness/redis.mjs";
import { forEachStore, onRedis } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

const [JWT_SECRET, VISITOR_SECRET] = [randomBytes(32).toString("hex"), randomBytes(32).toString("hex")];
const KEY = "claims-test-key";
const VARS = {
  API_KEYS: KEY,
  VISITOR_SECRET,
  JWT_SECRET,
  JWT_ISSUER: "https://issuer.example",
  JWT_AUDIENCE: "chatkeep",
  RATE_LIMIT: "off",
};
const bearer = (/** @type {string} */ token) => ({ authorization: `Bearer ${token}` });

/** A user who is signed in. */
function signedIn(/** @type {string} */ url, /** @type {string} */ sub) {
  const exp = Math.floor(Date.now() / 1000) + 600;
  const claims = { iss: VARS.JWT_ISSUER, aud: VARS.JWT_AUDIENCE, sub, exp };
  return new Api(url, bearer(secretToken(claims, JWT_SECRET)));
}

/** Somebody new, and the token. */
async function aVisitor(/** @type {string} */ url) {
  const { token, owner } = ok(await new Api(url).send("POST", "/v1/visitors"));
  return { api: new Api(url, bearer(token)), token: /** @type {string} */ (token), owner };
}

const claim = (/** @type {Api} */ user, /** @type {unknown} */ body, headers = {}) =>
  user.send("POST", "/v1/visitors/claim", body, headers);

/** The ids of all sessions that someone has. */
async function ids(/** @type {Api} */ api) {
  const { sessions } = await api.list("?limit=200");
  return sessions.map((/** @type {{session_id: string}} */ session) => session.session_id).sort();
}

forEachStore("a claim", (store) => {
  /** @type {import("../harness/worker.mjs").Worker} */
  let worker;
  /** @type {FakeModelApi} */
  let model;
  before(async () => {
    model = await FakeModelApi.start();
    const vars = { ...VARS, RESPONDER: "openai", OPENAI_BASE_URL: model.url, OPENAI_API_KEY: "none" };
    worker = await startWorker({ store, vars: { ...vars, MAX_SESSIONS_PER_OWNER: "40" } });
  });
  after(async () => {
    await worker?.stop();
    await model?.stop();
  });

  test("moves everything, once, and whole", async () => {
    const [ada, visitor] = [signedIn(worker.url, "ada"), await aVisitor(worker.url)];
    const said = await visitor.api.say("Hello", {
      session_id: "first",
      message_id: "m1",
      metadata: { language: "cs" },
    });
    for (let page = 0; page < 3; page++) {
      const messages = Array.from({ length: 90 }, (_, at) => ({ role: "user", content: `${page} ${at} ž` }));
      ok(await visitor.api.send("POST", "/v1/sessions/long/messages", { messages }));
    }
    ok(await visitor.api.send("PATCH", "/v1/sessions/first", { title: "Plán", pinned: true, metadata: { a: 1 } }));
    for (const step of [1, 2]) ok(await visitor.api.send("PUT", "/v1/sessions/first/state", { step }));
    const state = await visitor.api.get("/v1/sessions/first/state");
    const [before, texts] = [ok(await visitor.api.info("first")), await visitor.api.texts("long")];
    assert.equal(texts.length, 270);
    const { session_id: own } = await ada.say("My own");

    const claimed = ok(await claim(ada, { visitor: visitor.token }));
    assert.deepEqual(claimed, { owner: "u-ada", visitor: visitor.owner, moved: 2, left: 0 });
    assert.deepEqual(await ids(ada), ["first", "long", own].sort());
    assert.deepEqual(await ids(visitor.api), []);
    const { expires_in_seconds, revision, ...info } = ok(await ada.info("first"));
    const { expires_in_seconds: then, revision: earlier, ...was } = before;
    assert.deepEqual(info, was);
    assert.ok(revision > earlier && expires_in_seconds <= then);
    assert.deepEqual(await ada.texts("long"), texts);
    const moved = await ada.get("/v1/sessions/first/state");
    assert.deepEqual([moved.body, moved.headers.get("etag")], [{ step: 2 }, state.headers.get("etag")]);
    // The ids of messages are still known, and so is what was said.
    const asked = model.requests.length;
    const again = { session_id: "first", message_id: "m1", metadata: { language: "cs" } };
    const replayed = await ada.say("Hello", again);
    assert.deepEqual([replayed.replayed, replayed.response], [true, said.response]);
    // Nobody knows any more what the turn said, but that it was one.
    assert.equal((await ada.say("Other", { session_id: "first", message_id: "m1" })).replayed, true);
    const key = { "idempotency-key": "m1" };
    assertProblem(await ada.send("DELETE", "/v1/sessions/first", undefined, key), 422, "turn_mismatch");
    assert.equal(model.requests.length, asked);
    await ada.say("Going on", { session_id: "first", existing: true });
    assert.ok(model.requests.at(-1)?.body.messages.some((/** @type {any} */ one) => one.content === "Hello"));

    // The visitor has nothing left, and revives nothing.
    assertProblem(await visitor.api.info("first"), 404, "session_not_found");
    assertProblem(await visitor.api.send("POST", "/v1/sessions/first/restore"), 404, "session_not_found");
    assertProblem(await visitor.api.chat({ message: "Late", session_id: "first" }), 410, "session_deleted");

    // A lost answer is asked for again.
    assert.deepEqual(ok(await claim(ada, { visitor: visitor.token })), { ...claimed, moved: 0 });
    // What the visitor says after it is claimed too, but never by another.
    await visitor.api.say("One more", { session_id: "later" });
    assertProblem(await claim(signedIn(worker.url, "eve"), { visitor: visitor.token }), 409, "visitor_claimed");
    assert.equal(ok(await claim(ada, { visitor: visitor.token })).moved, 1);
    assert.deepEqual(await ids(ada), ["first", "later", "long", own].sort());
  });

  test("needs a user, and a visitor who is one", async () => {
    const [bob, visitor] = [signedIn(worker.url, "bob"), await aVisitor(worker.url)];
    await visitor.api.say("Mine", { session_id: "kept" });
    const soon = Math.floor(Date.now() / 1000) + 600;
    const id = visitor.owner.slice(2);
    assertProblem(await claim(bob, {}), 400, "invalid_body");
    assertProblem(await claim(bob, { visitor: 1 }), 400, "invalid_body");
    for (const wrong of [
      "",
      "nonsense",
      KEY,
      `${visitor.token}x`,
      visitorToken(VISITOR_SECRET, id, soon - 1200),
      visitorToken("another secret".repeat(4), id, soon),
      bob.headers.authorization.slice(7),
    ]) {
      assertProblem(await claim(bob, { visitor: wrong }), 401, "unauthorized");
    }
    const other = await aVisitor(worker.url);
    assertProblem(await claim(other.api, { visitor: visitor.token }), 403, "forbidden");
    assertProblem(await claim(visitor.api, { visitor: visitor.token }), 403, "forbidden");
    const server = new Api(worker.url, { "x-api-key": KEY });
    assertProblem(await claim(server, { visitor: visitor.token }), 403, "forbidden");
    assertProblem(await claim(new Api(worker.url), { visitor: visitor.token }), 401, "unauthorized");
    assert.deepEqual(await ids(visitor.api), ["kept"]);
    const forDan = new Api(worker.url, { "x-api-key": KEY, "chatkeep-user": "dan" });
    assert.equal(ok(await claim(forDan, { visitor: visitor.token })).moved, 1);
    assert.deepEqual(await ids(signedIn(worker.url, "dan")), ["kept"]);
  });

  test("takes the cookie of this origin's pages, and takes it back", async () => {
    const [cyd, own] = [signedIn(worker.url, "cyd"), { origin: worker.url }];
    const made = await new Api(worker.url).send("POST", "/v1/visitors", { cookie: true }, own);
    const cookie = { cookie: (made.headers.get("set-cookie") ?? "").split(";")[0] };
    ok(await new Api(worker.url).chat({ message: "Hello", session_id: "baked" }, { ...cookie, ...own }));
    assertProblem(await claim(cyd, {}, { ...cookie, origin: "https://evil.example" }), 400, "invalid_body");
    const answer = await claim(cyd, undefined, { ...cookie, ...own });
    assert.equal(ok(answer).moved, 1);
    assert.match(answer.headers.get("set-cookie") ?? "", /^__Host-chatkeep=; Path=\/; Max-Age=0; HttpOnly; Secure/);
    assert.deepEqual(await ids(cyd), ["baked"]);
  });

  test("leaves a user's own session of the same id alone", async () => {
    const [fay, visitor] = [signedIn(worker.url, "fay"), await aVisitor(worker.url)];
    await fay.say("Mine", { session_id: "main" });
    await visitor.api.say("The visitor's", { session_id: "main" });
    const { renamed, moved } = ok(await claim(fay, { visitor: visitor.token }));
    assert.deepEqual([moved, renamed], [1, { main: `main.${visitor.owner}` }]);
    assert.equal((await fay.texts("main"))[0], "Mine");
    assert.equal((await fay.texts(renamed.main))[0], "The visitor's");
  });

  test("waits for a turn that runs", async () => {
    const [gus, visitor, gate] = [signedIn(worker.url, "gus"), await aVisitor(worker.url), new Gate()];
    const asked = model.requests.length;
    model.answer(async () => {
      await gate.opened;
      return "At last";
    });
    const turn = visitor.api.say("Slow", { session_id: "busy" });
    await model.received(asked + 1);
    const meanwhile = await claim(gus, { visitor: visitor.token });
    assert.deepEqual([ok(meanwhile).moved, meanwhile.body.left], [0, 1]);
    assert.equal(meanwhile.headers.get("retry-after"), "1");
    gate.open();
    assert.equal((await turn).response, "At last");
    model.answer(() => "Answer");
    assert.equal(ok(await claim(gus, { visitor: visitor.token })).moved, 1);
    assert.deepEqual(await gus.texts("busy"), ["Slow", "At last"]);
  });

  test("moves nothing where there is no room", async () => {
    const [hal, visitor] = [signedIn(worker.url, "hal"), await aVisitor(worker.url)];
    for (let number = 0; number < 39; number++) ok(await hal.send("POST", "/v1/sessions", {}));
    for (const session_id of ["one", "two"]) await visitor.api.say("Hello", { session_id });
    assertProblem(await claim(hal, { visitor: visitor.token }), 409, "too_many_sessions");
    assert.deepEqual(await ids(visitor.api), ["one", "two"]);
    ok(await hal.delete((await ids(hal))[0]));
    assert.equal(ok(await claim(hal, { visitor: visitor.token })).moved, 2);
  });

  test("and others at the same time, and turns meanwhile, lose and double nothing", async () => {
    const [ida, visitor] = [signedIn(worker.url, "ida"), await aVisitor(worker.url)];
    const sessions = Array.from({ length: 8 }, (_, number) => `many-${number}`);
    for (const session_id of sessions) await visitor.api.say("before", { session_id });
    /** @type {string[]} */
    const acknowledged = [];
    const turns = sessions.flatMap((session_id) =>
      [1, 2].map(async (number) => {
        const answer = await visitor.api.chat({ message: `during ${number}`, session_id, existing: true });
        if (answer.status === 200) acknowledged.push(`${session_id} during ${number}`);
        else assert.ok([404, 410].includes(answer.status), answer.text);
      }),
    );
    const claims = Array.from({ length: 4 }, () => claim(ida, { visitor: visitor.token }));
    for (const answer of await Promise.all(claims)) ok(answer);
    await Promise.all(turns);
    await eventually(
      async () => ok(await claim(ida, { visitor: visitor.token })).left,
      (left) => left === 0,
    );
    assert.deepEqual(await ids(ida), sessions);
    assert.deepEqual(await ids(visitor.api), []);
    for (const session_id of sessions) {
      const texts = await ida.texts(session_id);
      const said = texts.filter((text) => text.startsWith("during")).map((text) => `${session_id} ${text}`);
      const expected = acknowledged.filter((one) => one.startsWith(`${session_id} `));
      assert.deepEqual(said.sort(), expected.sort());
      assert.equal(texts.filter((text) => text === "before").length, 1);
    }
  });
});

forEachStore("what a claim can't list", (store) => {
  test("deleted sessions stay the visitor's for their undo window, and are nobody else's", async () => {
    const worker = await startWorker({ store, vars: VARS });
    try {
      const [ada, eve, visitor] = [
        signedIn(worker.url, "ada"),
        signedIn(worker.url, "eve"),
        await aVisitor(worker.url),
      ];
      for (const session_id of ["kept", "gone"]) await visitor.api.say("Hello", { session_id });
      ok(await visitor.api.delete("gone"));
      assert.equal(ok(await claim(ada, { visitor: visitor.token })).moved, 1);
      assert.deepEqual(await ids(ada), ["kept"]);
      for (const user of [ada, eve]) {
        assertProblem(await user.info("gone"), 404, "session_not_found");
        assertProblem(await user.send("POST", "/v1/sessions/gone/restore"), 404, "session_not_found");
      }
      ok(await visitor.api.send("POST", "/v1/sessions/gone/restore"));
      assertProblem(await claim(eve, { visitor: visitor.token }), 409, "visitor_claimed");
      assert.equal(ok(await claim(ada, { visitor: visitor.token })).moved, 1);
      assert.deepEqual(await ids(ada), ["gone", "kept"]);
      assert.equal((await ada.texts("gone"))[0], "Hello");
    } finally {
      await worker.stop();
    }
  });
});

onRedis("what only the archive has of a visitor", () => {
  test("is the user's after a claim, and can't be had by the visitor's token", async () => {
    const redis = await startRedis();
    const vars = { ...VARS, ARCHIVE_MODE: "write-through", ENCRYPTION_KEYS: `k1:${randomBytes(32).toString("hex")}` };
    const worker = await startWorker({ store: "upstash", redis, vars: { ...vars, MAX_SESSIONS_PER_OWNER: "3" } });
    try {
      const [ada, visitor] = [signedIn(worker.url, "ada"), await aVisitor(worker.url)];
      for (const session_id of ["one", "two"]) {
        ok(await visitor.api.send("PUT", `/v1/sessions/${session_id}/state`, { of: session_id }));
        await visitor.api.say(`Hello ${session_id}`, { session_id });
      }
      await redis.cli("FLUSHALL");
      for (const session_id of ["live", "mine"])
        await (session_id === "live" ? visitor.api : ada).say("Hi", { session_id });
      // There is room for the one that lives, and for one more.
      const first = ok(await claim(ada, { visitor: visitor.token }));
      assert.deepEqual([first.moved, first.left], [2, 0]);
      ok(await ada.delete("mine"));
      assert.deepEqual(ok(await claim(ada, { visitor: visitor.token })).moved, 1);
      assert.deepEqual(await ids(ada), ["live", "one", "two"]);
      for (const id of ["one", "two"]) {
        assert.equal((await ada.texts(id))[0], `Hello ${id}`);
        assert.deepEqual(ok(await ada.get(`/v1/sessions/${id}/state`)), { of: id });
        assertProblem(await visitor.api.get(`/v1/sessions/${id}/history`), 404, "session_not_found");
      }
      // And when the store loses them again, they come back to the user alone.
      await redis.cli("FLUSHALL");
      assert.equal((await ada.texts("two"))[0], "Hello two");
      assertProblem(await visitor.api.get("/v1/sessions/one/history"), 404, "session_not_found");
    } finally {
      await worker.stop();
      await redis.stop();
    }
  });
});

onRedis("a claim that breaks off", () => {
  /** @type {import("../harness/worker.mjs").Worker} */
  let worker;
  let redis;
  let gateway;
  before(async () => {
    redis = await startRedis();
    gateway = await startGateway({ redisUrl: redis.url, faults: true });
    worker = await startWorker({ store: "upstash", gateway, vars: VARS });
  });
  after(async () => {
    await worker?.stop();
    await gateway?.stop();
    await redis?.stop();
  });

  for (const fault of /** @type {const} */ (["drop_request", "drop_response"])) {
    test(`anywhere, by ${fault}, leaves each session in one place and goes on`, async () => {
      for (let skip = 0, round = 0, strays = 0; ; skip++, round++) {
        const [user, visitor] = [signedIn(worker.url, `${fault}-${round}`), await aVisitor(worker.url)];
        for (const session_id of ["short", "other"]) await visitor.api.say("Hello", { session_id });
        const messages = Array.from({ length: 99 }, (_, at) => ({ role: "user", content: `${at} ž` }));
        for (let page = 0; page < 3; page++)
          ok(await visitor.api.send("POST", "/v1/sessions/short/messages", { messages }));
        await gateway.order({ fault, skip, count: 2 });
        const broken = await claim(user, { visitor: visitor.token });
        await gateway.clear();
        // The breaker may think that Redis is still away.
        await eventually(
          async () => (await user.get("/v1/sessions")).status,
          (status) => status === 200,
        );
        const [theirs, still] = [await ids(user), await ids(visitor.api)];
        assert.deepEqual([...theirs, ...still].sort(), ["other", "short"], `after ${skip} calls`);
        for (const id of still) assert.equal((await visitor.api.history(id)).messages[0].role, "user");
        const whole = await eventually(
          () => claim(user, { visitor: visitor.token }),
          (answer) => answer.status === 200,
        );
        assert.equal(whole.body.left, 0);
        assert.deepEqual([await ids(user), await ids(visitor.api)], [["other", "short"], []]);
        const { message_count } = ok(await user.info("short"));
        assert.equal(message_count, 299);
        if (broken.status === 200 && skip > 8) break;
        if (broken.status === 200) {
          // An earlier request's work after its answer took the faults: the claim met none. It is tried anew.
          strays++;
          assert.ok(strays <= 3, `it took ${skip} calls`);
          skip--;
        } else {
          assertProblem(broken, 503, "store_unavailable");
        }
      }
    });
  }

  test("is gone on with by what the visitor does", async () => {
    const [user, visitor] = [signedIn(worker.url, "resumed"), await aVisitor(worker.url)];
    await visitor.api.say("Hello", { session_id: "half" });
    const key = `chatkeep:{${visitor.owner}}:`;
    await redis.cli("HSET", `${key}claimed`, "by", "u-resumed", "until", `${Date.now() + 600_000}`);
    await redis.cli("PEXPIRE", `${key}claimed`, "600000");
    await redis.cli("HSET", `${key}s:half`, "flags", "d");
    const card = (await redis.cli("HGET", `${key}cards`, "half")).replace(" -#", " d#");
    await redis.cli("HSET", `${key}cards`, "half", card);
    assert.deepEqual(await ids(visitor.api), ["half"]);
    assert.equal(ok(await visitor.api.info("half")).message_count, 2);
    assert.deepEqual(await ids(user), []);
    assertProblem(await visitor.api.chat({ message: "Late", session_id: "half" }), 410, "session_deleted");
    await eventually(
      () => ids(user),
      (all) => all.length === 1,
    );
    assert.deepEqual(await user.texts("half"), ["Hello", ...(await user.texts("half")).slice(1)]);
    assertProblem(await visitor.api.info("half"), 404, "session_not_found");
  });
});

describe("without visitors", () => {
  test("there is nothing to claim", async () => {
    const { VISITOR_SECRET: _, ...vars } = VARS;
    const worker = await startWorker({ store: "vault", vars });
    try {
      const token = visitorToken(VISITOR_SECRET, "0".repeat(32), Math.floor(Date.now() / 1000) + 60);
      assertProblem(await claim(signedIn(worker.url, "ada"), { visitor: token }), 401, "unauthorized");
    } finally {
      await worker.stop();
    }
  });
});
