// The routes of the API, as the model lists them: tests that must cover all of them ask here what all is.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./folders.mjs";

/** @typedef {{method: string, path: string, action: string}} Route */

/** @type {Route[]} */
export const ROUTES = [
  ...readFileSync(join(ROOT, "crates/model/src/route.rs"), "utf8").matchAll(
    /^ +\("([A-Z]+)", "(\/[^"]*)", Action::(\w+)\),$/gm,
  ),
].map(([, method, path, action]) => ({ method, path, action }));

if (ROUTES.length < 20) throw new Error("crates/model/src/route.rs lists its routes in another form than this reads");
