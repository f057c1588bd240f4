// What the tests of the dialects share: a Worker on each store, a dialect under its name and at the root.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Api } from "../harness/api.mjs";
import { FakeModelApi } from "../harness/model-api.mjs";
import { onEachStore } from "../harness/stores.mjs";

export const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Czech, Vietnamese and Portuguese, and what breaks naive encodings. */
export const TEXTS = [
  "Příliš žluťoučký kůň úpěl ďábelské ódy",
  "Điều kiện tham gia đấu thầu?",
  "Sessões não persistem após restart; solução: ã é ç",
  '"quoted" \\ back, 🙂 and \n a new line',
];

/**
 * Defines tests of a dialect on each store. `the.dialect` is a client under its name, `the.root` one at the root, `the.model`
 * the fake model API that answers.
 * @param {string} name
 * @param {Record<string, string>} vars
 * @param {(the: any) => void} define
 */
export function onEachStoreSpeaking(name, vars, define) {
  onEachStore(name, { DIALECT_ROOT: name, ...vars }, (the) => {
    Object.defineProperties(the, {
      dialect: { get: () => new Api(`${the.worker.url}/${name}`) },
      root: { get: () => new Api(the.worker.url) },
    });
    define(the);
  });
}

/** The messages that a model API was shown in its last request, without the system's. */
export function shown(/** @type {FakeModelApi} */ model) {
  const messages = model.requests.at(-1)?.body.messages ?? [];
  return messages.filter(({ role }) => role !== "system").map(({ content }) => content);
}

/** Runs a shell script and gives what it prints. */
export async function shell(script, env = {}) {
  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", script], {
    env: { PATH: process.env.PATH, ...env },
  });
  return stdout;
}

export { FakeModelApi };
