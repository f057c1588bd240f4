// Titles: from the first message at once, from the responder after the first reply, and never over a person's own.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Api, eventually, ok } from "../harness/api.mjs";
import { EventStream } from "../harness/events.mjs";
import { FakeModelApi, words } from "../harness/model-api.mjs";
import { forEachStore } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

forEachStore("titles by the responder", (store) => {
  /** @type {FakeModelApi} */
  let model;
  /** @type {Api} */
  let api;
  let worker;
  /** Ends the wait of the model for its title; nothing while it need not wait. */
  let release;
  before(async () => {
    model = await FakeModelApi.start();
    const vars = { RESPONDER: "openai", OPENAI_BASE_URL: model.url, TITLES: "responder" };
    worker = await startWorker({ store, vars });
    api = new Api(worker.url);
  });
  after(async () => {
    release?.();
    await worker?.stop();
    await model?.stop();
  });

  const asksForTitle = ({ body }) => /^Give this chat a title/.test(body.messages.at(-1).content);
  const title = async (id) => ok(await api.info(id)).title;

  test("a better title takes the place of the derived one, once", async () => {
    model.answer((request) => (asksForTitle(request) ? "“Kočka jménem Mia”\n" : "Hezké jméno."));
    const { session_id, session } = await api.say("Moje kočka se jmenuje Mia");
    assert.equal(session.title, "Moje kočka se jmenuje Mia");
    assert.equal(
      await eventually(
        () => title(session_id),
        (seen) => seen !== session.title,
      ),
      "Kočka jménem Mia",
    );
    const { sessions } = await api.list();
    assert.equal(sessions.find((one) => one.session_id === session_id).title, "Kočka jménem Mia");
    const asked = model.requests.filter(asksForTitle).length;
    await api.say("A pes Rek", { session_id });
    await api.say("Other");
    await eventually(
      () => model.requests.filter(asksForTitle).length,
      (seen) => seen === asked + 1,
    );
    assert.equal(await title(session_id), "Kočka jménem Mia");
  });

  test("a streamed turn has one too", async () => {
    model.answer((request) => (asksForTitle(request) ? "Streamed" : { stream: words("Hezké ", "jméno.") }));
    const session_id = "streamed";
    const stream = await EventStream.open(`${api.url}/v1/chat`, {
      json: { message: "Moje kočka se jmenuje Mia", session_id, stream: true },
    });
    assert.equal((await stream.all()).at(-1).data.session.title, "Moje kočka se jmenuje Mia");
    await eventually(
      () => title(session_id),
      (seen) => seen === "Streamed",
    );
  });

  test("a rename while the model thinks of a title is not overwritten", async () => {
    const waits = new Promise((resolve) => {
      release = () => resolve("Too late");
    });
    model.answer((request) => (asksForTitle(request) ? waits : "Hello"));
    const before = model.requests.filter(asksForTitle).length;
    const { session_id } = await api.say("Something");
    await eventually(
      () => model.requests.filter(asksForTitle).length,
      (seen) => seen > before,
    );
    ok(await api.send("PATCH", `/v1/sessions/${session_id}`, { title: "Mine" }));
    const revision = ok(await api.info(session_id)).revision;
    release();
    await eventually(
      async () => ok(await api.info(session_id)).revision,
      (seen) => seen > revision,
    );
    assert.equal(await title(session_id), "Mine");
  });

  test("a title given with the session is kept, and nobody is asked for one", async () => {
    model.answer(() => "Hello");
    const before = model.requests.filter(asksForTitle).length;
    const { session_id } = ok(await api.send("POST", "/v1/sessions", { title: "Given" }));
    await api.say("Something", { session_id });
    await api.say("More", { session_id });
    assert.equal(await title(session_id), "Given");
    assert.equal(model.requests.filter(asksForTitle).length, before);
  });

  test("a model that fails leaves the derived title", async () => {
    model.answer((request) => (asksForTitle(request) ? { status: 500 } : "Hello"));
    const { session_id } = await api.say("Derived");
    await eventually(() => model.requests.some((request) => asksForTitle(request)), Boolean);
    await api.say("More", { session_id });
    assert.equal(await title(session_id), "Derived");
  });
});
