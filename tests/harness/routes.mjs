// The routes of the API and of the dialects, as the model lists them: tests that must cover all of them ask here what all is.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./folders.mjs";

/** @typedef {{method: string, path: string, action: string}} Route */

const MODEL = join(ROOT, "crates/model/src");

/**
 * @param {string} file
 * @param {string} folder where they are mounted
 * @returns {Route[]}
 */
function routesOf(file, folder = "") {
  const found = [
    ...readFileSync(join(MODEL, file), "utf8").matchAll(/^ +\("([A-Z]+)", "(\/[^"]*)", (?:Action|Verb)::(\w+)\),$/gm),
  ].map(([, method, path, action]) => ({ method, path: folder + path, action }));
  if (found.length < 2) throw new Error(`${file} lists its routes in another form than this reads`);
  return found;
}

const DIALECTS = readdirSync(join(MODEL, "dialect")).filter((file) => !/^(mod|tests)\.rs$/.test(file));

/** The actions that say how the deployment is, to whoever asks and whatever they show. */
export const PROBES = ["Health", "Live", "Ready"];

/** @type {Route[]} */
export const ROUTES = [
  ...routesOf("route.rs"),
  ...DIALECTS.flatMap((file) => routesOf(`dialect/${file}`, `/${file.slice(0, -3).replaceAll("_", "-")}`)),
];
