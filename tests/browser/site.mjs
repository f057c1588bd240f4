// What the tests of a file look at: a browser and a Worker of their own.
import { after, before } from "node:test";
import { FakeModelApi } from "../harness/model-api.mjs";
import { startWorker } from "../harness/worker.mjs";
import { DESKTOP, launch, withApp, withPage } from "./app.mjs";

/**
 * A browser and a Worker for the tests of a file, and where asked for a fake of the model's API, which then is the responder.
 * @param {{options?: object, vars?: Record<string, string>, model?: boolean, prepare?: Function}} [more] how pages are opened, the
 *   Worker's variables, and what is to be there before the first test
 */
export function site({ options = DESKTOP, vars = {}, model = false, prepare } = {}) {
  const all = {
    browser: undefined,
    worker: undefined,
    model: undefined,
    /** Opens the app in a browser of its own. */
    app: (use, more) => withApp(all.browser, all.worker.url, { ...options, ...more }, use),
    /** Opens a page of the site in a browser of its own. */
    page: (path, use, more) => withPage(all.browser, all.worker.url + path, { ...options, ...more }, use),
  };
  before(async () => {
    if (model) all.model = await FakeModelApi.start();
    const responder = model ? { RESPONDER: "openai", OPENAI_BASE_URL: all.model.url, OPENAI_MODEL: "fake" } : {};
    [all.browser, all.worker] = await Promise.all([
      launch(),
      startWorker({ store: "vault", vars: { ...responder, ...vars } }),
    ]);
    await prepare?.(all);
  });
  after(() => Promise.all([all.browser?.close(), all.worker?.stop(), all.model?.stop()]));
  return all;
}
