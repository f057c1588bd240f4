// What tests of streamed turns share: a Worker in front of a fake model API, and a reader for its streams.
import { randomUUID } from "node:crypto";
import { after, afterEach, before } from "node:test";
import { Api } from "./api.mjs";
import { EventStream } from "./events.mjs";
import { FakeModelApi } from "./model-api.mjs";
import { startWorker } from "./worker.mjs";

/** A turn in a session of its own. */
export const aTurn = () => ({ message: "Hello", session_id: `s-${randomUUID()}`, message_id: `m-${randomUUID()}` });

/**
 * A Worker that asks a fake model API, and streams from it.
 * @param {"vault" | "upstash"} store
 * @param {Record<string, string>} [vars]
 * @param {typeof FakeModelApi} [Model]
 */
export function withModel(store, vars = {}, Model = FakeModelApi) {
  const the = /** @type {Streaming} */ ({});
  before(async () => {
    the.model = await Model.start();
    const own = { RESPONDER: "openai", OPENAI_API_KEY: "sk-secret", OPENAI_BASE_URL: the.model.url };
    the.worker = await startWorker({ store, vars: { ...own, WEBHOOK_URL: `${the.model.url}/agent`, ...vars } });
    the.api = new Api(the.worker.url);
    the.stream = (turn, headers) =>
      EventStream.open(`${the.worker.url}/v1/chat`, { json: { ...turn, stream: true }, headers });
    the.follow = (id, headers) => EventStream.open(`${the.worker.url}/v1/sessions/${id}/stream`, { headers });
    the.stop = (id, body) => the.api.send("POST", `/v1/sessions/${id}/stop`, body);
  });
  afterEach(() => the.model.answer(() => `Answer ${the.model.requests.length}`));
  after(async () => {
    await the.worker?.stop();
    await the.model?.stop();
  });
  return the;
}

/**
 * @typedef {object} Streaming
 * @property {FakeModelApi} model
 * @property {import("./worker.mjs").Worker} worker
 * @property {Api} api
 * @property {(turn: object, headers?: Record<string, string>) => Promise<EventStream>} stream
 * @property {(id: string, headers?: Record<string, string>) => Promise<EventStream>} follow
 * @property {(id: string, body?: object) => Promise<import("./api.mjs").Answer>} stop
 */

/**
 * The messages of a session as role, content and status.
 * @param {Api} api
 * @param {string} id
 */
export async function kept(api, id) {
  const { messages } = await api.history(id);
  return messages.map(({ role, content, status }) => [role, content, ...(status ? [status] : [])]);
}
