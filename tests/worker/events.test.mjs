// What those who watch are told: over a WebSocket and as an event stream, of streamed turns and of everything else.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Api, assertProblem, eventually, ok } from "../harness/api.mjs";
import { EventStream } from "../harness/events.mjs";
import { visitorToken } from "../harness/fake-issuer.mjs";
import { FakeModelApi, Gate, words } from "../harness/model-api.mjs";
import { forEachStore, onRedis } from "../harness/stores.mjs";
import { statusOfUpgrade, Tab } from "../harness/tab.mjs";
import { startWorker } from "../harness/worker.mjs";

const aTurn = () => ({ message: "Hello", session_id: `s-${randomUUID()}`, message_id: `m-${randomUUID()}` });

forEachStore("another tab", (store) => {
  let model;
  let worker;
  let api;
  let tab;
  before(async () => {
    model = await FakeModelApi.start();
    const vars = { RESPONDER: "openai", OPENAI_BASE_URL: model.url, EVENTS: "on", TITLES: "responder" };
    worker = await startWorker({ store, vars });
    api = new Api(worker.url);
    tab = await Tab.open(worker.url);
  });
  after(async () => {
    await tab?.close();
    await worker?.stop();
    await model?.stop();
  });
  const stream = (turn) => EventStream.open(`${worker.url}/v1/chat`, { json: { ...turn, stream: true } });

  test("sees a reply appear while the first one streams it", async () => {
    const { session_id, message_id } = aTurn();
    const turn = { session_id, message_id, reply_id: `r-${message_id}` };
    const [first, second] = [new Gate(), new Gate()];
    model.answer(({ body }) => (body.stream ? { stream: words("One ", first, "two ", second, "three") } : "Counting"));
    const reader = await stream({ message: "Hello", session_id, message_id });
    assert.deepEqual(await tab.until("turn_started", session_id), { type: "turn_started", ...turn });
    assert.equal((await tab.until("session_created", session_id)).session.title, "Hello");
    assert.equal((await tab.until("message_added", session_id)).message_id, message_id);
    assert.deepEqual(await tab.until("delta", session_id), { type: "delta", ...turn, text: "One " });
    first.open();
    await tab.until("delta", session_id, ({ text }) => text === "two ");
    second.open();
    assert.deepEqual(await tab.until("turn_finished", session_id), { type: "turn_finished", ...turn });
    const texts = tab.of(session_id).map(({ type, text }) => (type === "delta" ? text : ""));
    assert.equal(texts.join(""), "One two three");
    await reader.all();
    const { messages } = await api.history(session_id);
    assert.deepEqual(
      tab
        .of(session_id)
        .filter(({ type }) => type === "message_added")
        .map((told) => told.message_id),
      messages.map(({ id }) => id),
    );
  });

  test("is told how a turn ended that was stopped, or failed", async () => {
    const [stopped, failed, whole] = [aTurn(), aTurn(), aTurn()];
    model.answer(() => ({ stream: words("Part ", new Gate()) }));
    await stream(stopped);
    await tab.until("delta", stopped.session_id);
    ok(await api.send("POST", `/v1/sessions/${stopped.session_id}/stop`));
    assert.equal((await tab.until("turn_finished", stopped.session_id)).status, "stopped");
    model.fail(500);
    await (await stream(failed)).all();
    assert.equal((await tab.until("turn_failed", failed.session_id)).message_id, failed.message_id);
    assertProblem(await api.chat(whole), 502, "responder_failed");
    assert.equal((await tab.until("turn_failed", whole.session_id)).message_id, whole.message_id);
  });

  test("is told of everything else that changes", async () => {
    model.say("Hi");
    const session_id = `s-${randomUUID()}`;
    const path = `/v1/sessions/${session_id}`;
    ok(await api.send("POST", "/v1/sessions", { session_id }));
    await tab.until("session_created", session_id);
    ok(await api.chat({ message: "Hello", session_id }));
    await tab.until("turn_finished", session_id);
    await tab.until("session_updated", session_id, ({ session }) => session.title === "Hi");
    ok(await api.send("PATCH", path, { title: "Renamed" }));
    await tab.until("session_updated", session_id, ({ session }) => session.title === "Renamed");
    ok(await api.send("POST", `${path}/messages`, { messages: [{ role: "user", content: "x", id: "m-x" }] }));
    await tab.until("message_added", session_id, ({ message_id }) => message_id === "m-x");
    ok(await api.delete(session_id));
    await tab.until("session_deleted", session_id);
    const back = tab.told.length;
    ok(await api.send("POST", `${path}/restore`));
    await tab.until("session_created", session_id, (told) => tab.told.indexOf(told) >= back);
  });

  test("pings without a word to anybody, and what only reads is no news", async () => {
    const before = tab.told.length;
    await api.list();
    tab.socket.send("what is this?");
    await tab.ping();
    assert.deepEqual(tab.told.slice(before), [{ type: "pong" }]);
  });

  test("is let go when a lot was said and it didn't say that it listens", async () => {
    const [silent, alive] = await Promise.all([Tab.open(worker.url), Tab.open(worker.url)]);
    model.answer(() => ({ stream: words(...Array.from({ length: 20 }, () => "words ".repeat(5_000))) }));
    for (const turn of [aTurn(), aTurn()]) {
      await (await stream(turn)).all();
      await alive.until("turn_finished", turn.session_id);
      await Promise.all([alive.ping(), tab.ping()]);
    }
    await eventually(
      () => silent.socket.readyState,
      (state) => state !== WebSocket.OPEN,
    );
    await Promise.all([alive.ping(), tab.ping()]);
    await alive.close();
  });

  test("may read an event stream instead, and goes on where it was", async () => {
    const first = await EventStream.open(`${worker.url}/v1/events`);
    assert.match(first.headers.get("content-type"), /^text\/event-stream/);
    assert.equal((await first.next()).name, "ready");
    const [one, two] = [`s-${randomUUID()}`, `s-${randomUUID()}`];
    ok(await api.send("POST", "/v1/sessions", { session_id: one }));
    const seen = await first.until(({ data }) => data.session_id === one);
    assert.equal(seen.name, "session_created");
    first.close();
    ok(await api.send("POST", "/v1/sessions", { session_id: two }));
    await tab.until("session_created", two);
    const second = await EventStream.open(`${worker.url}/v1/events`, { headers: { "last-event-id": seen.id } });
    // What other tests did may still come in between.
    const missed = await second.until(({ data }) => [one, two].includes(data.session_id));
    assert.equal(missed.data.session_id, two);
    second.close();
    const lost = await EventStream.open(`${worker.url}/v1/events`, { headers: { "last-event-id": "1-5" } });
    assert.equal((await lost.next())?.name, "reset");
    lost.close();
  });
});

forEachStore("watching", (store) => {
  const secret = "a secret of at least 32 characters";
  const origin = "https://shop.example";
  let worker;
  before(async () => {
    const vars = { VISITOR_SECRET: secret, EVENTS: "on", EVENT_STREAM_SECONDS: "1", CORS_ORIGINS: origin };
    worker = await startWorker({ store, vars: { ...vars, ECHO_WORD_MS: "0" } });
  });
  after(() => worker?.stop());
  const visitor = (letter) => visitorToken(secret, letter.repeat(32), Math.floor(Date.now() / 1000) + 600);

  test("needs credentials, which a page shows as a subprotocol", async () => {
    assertProblem(await new Api(worker.url).get("/v1/events"), 401, "unauthorized");
    await assert.rejects(Tab.open(worker.url));
    await assert.rejects(Tab.open(worker.url, ["chatkeep", `bearer.${visitor("a").slice(0, -2)}`]));
    const tab = await Tab.open(worker.url, ["chatkeep", `bearer.${visitor("a")}`]);
    assert.equal(tab.socket.protocol, "chatkeep");
    await tab.close();
  });

  test("shows nobody what is another's", async () => {
    const [ada, eve] = await Promise.all(
      ["a", "e"].map((letter) => Tab.open(worker.url, ["chatkeep", `bearer.${visitor(letter)}`])),
    );
    const api = new Api(worker.url, { authorization: `Bearer ${visitor("a")}` });
    const eves = new Api(worker.url, { authorization: `Bearer ${visitor("e")}` });
    ok(await api.chat({ message: "Mine", session_id: "of-ada" }));
    const stream = await EventStream.open(`${worker.url}/v1/chat`, {
      json: { message: "Mine", session_id: "of-ada", stream: true },
      headers: { authorization: `Bearer ${visitor("a")}` },
    });
    await stream.all();
    await ada.until("delta", "of-ada");
    ok(await eves.chat({ message: "Hers", session_id: "of-eve" }));
    await eve.until("turn_finished", "of-eve");
    assert.deepEqual([eve.types("of-ada"), ada.types("of-eve")], [[], []]);
    await Promise.all([ada.close(), eve.close()]);
  });

  test("is not for pages of other origins, whatever cookie they come with", async () => {
    const tab = { authorization: `Bearer ${visitor("a")}` };
    const cookie = `__Host-chatkeep=${visitor("a")}`;
    for (const [headers, status] of [
      [{ ...tab, origin: "https://evil.example" }, 403],
      [{ cookie, origin: "https://evil.example" }, 403],
      [{ cookie, origin }, 401],
      [{ cookie }, 401],
    ]) {
      assert.equal(await statusOfUpgrade(worker.url, headers), status, JSON.stringify(headers));
    }
    for (const headers of [tab, { ...tab, origin }, { cookie, origin: worker.url }]) {
      assert.equal(await statusOfUpgrade(worker.url, headers), 101, JSON.stringify(headers));
    }
  });

  test("an event stream is closed after a time, with a cursor to go on from", async () => {
    const headers = { authorization: `Bearer ${visitor("a")}` };
    const api = new Api(worker.url, headers);
    const open = (more) => EventStream.open(`${worker.url}/v1/events`, { headers: { ...headers, ...more } });
    const first = await open();
    const events = await first.all();
    assert.deepEqual(
      events.map(({ name }) => name),
      ["ready", "closing"],
    );
    ok(await api.send("POST", "/v1/sessions", { session_id: "missed" }));
    // On Redis it is told after its answer: perhaps the reader comes first, and then it waits.
    const second = await open({ "last-event-id": events[1].id });
    assert.equal((await second.until(({ data }) => data.session_id === "missed")).name, "session_created");
    second.close();
  });

  test("lets the vault sleep, whom the next change wakes", async () => {
    const headers = { authorization: `Bearer ${visitor("f")}` };
    const api = new Api(worker.url, headers);
    const epoch = async () => {
      const stream = await EventStream.open(`${worker.url}/v1/events`, { headers });
      const [{ id }] = await stream.all();
      return id.split("-")[0];
    };
    const sleeper = await Tab.open(worker.url, ["chatkeep", `bearer.${visitor("f")}`]);
    const before = await epoch();
    for (let tries = 0; ; tries += 1) {
      assert.ok(tries < 6, "the vault never slept");
      // Nothing tells that an object sleeps: workerd lets one do so that had nothing to do for ten seconds.
      await pause(12_000);
      const session_id = `s-${randomUUID()}`;
      ok(await api.send("POST", "/v1/sessions", { session_id }));
      await sleeper.until("session_created", session_id);
      if ((await epoch()) !== before) break;
    }
    await sleeper.close();
  });

  test("is for so many at a time", async () => {
    const protocols = ["chatkeep", `bearer.${visitor("c")}`];
    const tabs = await Promise.all(Array.from({ length: 100 }, () => Tab.open(worker.url, protocols)));
    await assert.rejects(Tab.open(worker.url, protocols));
    const api = new Api(worker.url, { authorization: `Bearer ${visitor("c")}` });
    ok(await api.send("POST", "/v1/sessions", { session_id: "for-all" }));
    await Promise.all(tabs.map((tab) => tab.until("session_created", "for-all")));
    await tabs[0].close();
    await (await Tab.open(worker.url, protocols)).close();
    await Promise.all(tabs.slice(1).map((tab) => tab.close()));
  });
});

describe("events that are off", () => {
  test("are no route", async () => {
    const worker = await startWorker({ store: "vault", vars: { EVENTS: "off" } });
    try {
      assertProblem(await new Api(worker.url).get("/v1/events"), 404, "route_not_found");
      await assert.rejects(Tab.open(worker.url));
    } finally {
      await worker.stop();
    }
  });
});

onRedis("on an Upstash store, without EVENTS", () => {
  test("streamed turns are told, and nothing else calls the vault", async () => {
    const worker = await startWorker({ store: "upstash", vars: { ECHO_WORD_MS: "0" } });
    try {
      const tab = await Tab.open(worker.url);
      ok(await new Api(worker.url).chat({ message: "quietly", session_id: "quiet" }));
      const stream = await EventStream.open(`${worker.url}/v1/chat`, {
        json: { message: "aloud", session_id: "loud", stream: true },
      });
      await stream.all();
      await tab.until("turn_finished", "loud");
      assert.deepEqual(tab.types("quiet"), []);
      await tab.close();
    } finally {
      await worker.stop();
    }
  });
});
