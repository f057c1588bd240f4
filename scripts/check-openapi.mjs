#!/usr/bin/env node
// The OpenAPI document is what the model says, is valid for a validator that isn't ours, and its examples follow its own
// schemas.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";

const written = spawnSync("scripts/openapi", ["--check"], { stdio: "inherit" });
const document = JSON.parse(readFileSync("www/app/public/openapi.json", "utf8"));
const faults = [];

const { valid, errors } = await new Validator().validate(structuredClone(document));
if (!valid) faults.push(JSON.stringify(errors, undefined, 2));

const ajv = new Ajv2020({ strict: false, allErrors: true }).addSchema(document, "openapi.json");
for (const [path, methods] of Object.entries(document.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    for (const [type, { schema, example }] of Object.entries(operation.requestBody?.content ?? {})) {
      const at = ["paths", path, method, "requestBody", "content", type, "schema"].map(pointer).join("/");
      const holds = ajv.compile({ $ref: `openapi.json#/${at}` });
      if (schema === undefined || example === undefined) faults.push(`${method} ${path}: a body without an example`);
      else if (!holds(example)) faults.push(`${method} ${path}: its example: ${ajv.errorsText(holds.errors)}`);
    }
  }
}
const problem = ajv.compile({ $ref: "openapi.json#/components/schemas/ProblemBody" });
for (const [code, { value }] of Object.entries(document.components.examples)) {
  if (!problem(value)) faults.push(`${code}: ${ajv.errorsText(problem.errors)}`);
}

for (const fault of faults) console.error(`openapi: ${fault}`);
process.exitCode = written.status || faults.length ? 1 : 0;

/** @param {string} name */
function pointer(name) {
  return encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"));
}
