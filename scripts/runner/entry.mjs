// The main module of a self-hosted Worker: static files first, then the Worker, as the platform has it; and its timer's entrypoint.
// workerd loads it beside the built Worker; `workerd.mjs` writes the configuration with the bindings that it reads.
import { env } from "cloudflare:workers";
import Worker from "./index.js";

export * from "./index.js"; // the classes of the Durable Objects

/**
 * What each path of the app is answered with; a path that isn't here is the Worker's. No name of a file is made of a request.
 * @type {Map<string, import("./static-files.mjs").StaticAnswer>}
 */
const answers = new Map(Object.entries(env.STATIC_ANSWERS ?? {}));

/** The path of a request, as the platform has normalized it. */
function pathOf(/** @type {string} */ url) {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const end = url.indexOf("?", start);
  return end < 0 ? url.slice(start) : url.slice(start, end);
}

/** Answers with a file, or with where it is. */
async function serveFile(/** @type {Request} */ request, { file, location, headers }) {
  const { method } = request;
  if (method !== "GET" && method !== "HEAD") {
    return new Response(null, { status: 405, headers: { ...headers.rules, allow: "GET, HEAD" } });
  }
  if (location !== undefined) {
    const { search } = new URL(request.url);
    return new Response(null, { status: 307, headers: { ...headers.rules, location: location + search } });
  }
  const sent = { ...headers.file, ...headers.rules };
  const { etag } = headers.file;
  const known = request.headers.get("if-none-match");
  if (known === etag || known === `W/${etag}`) return new Response(null, { status: 304, headers: sent });
  if (COMPRESSIBLE.test(headers.file["content-type"])) {
    sent.vary = "accept-encoding";
    if (/\bgzip\b/.test(request.headers.get("accept-encoding") ?? "")) {
      const bytes = await compressed(file);
      const coded = { ...sent, etag: `W/${etag}`, "content-encoding": "gzip", "content-length": `${bytes.byteLength}` };
      return new Response(method === "HEAD" ? null : bytes, { headers: coded, encodeBody: "manual" });
    }
  }
  const found = await env.STATIC_FILES.fetch(`http://files${file}`, { method });
  return new Response(found.body, { headers: { ...sent, "content-length": found.headers.get("content-length") } });
}

/** Types whose files are smaller when they are compressed. */
const COMPRESSIBLE = /^(text\/|application\/(json|wasm|manifest)|image\/svg)/;

/** The files that were compressed already: the platform's network does this where the Worker is deployed. @type {Map<string, ArrayBuffer>} */
const compressedFiles = new Map();

async function compressed(/** @type {string} */ file) {
  let bytes = compressedFiles.get(file);
  if (bytes === undefined) {
    const { body } = await env.STATIC_FILES.fetch(`http://files${file}`);
    bytes = await new Response(body.pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
    compressedFiles.set(file, bytes);
  }
  return bytes;
}

export default class SelfHosted extends Worker {
  fetch(/** @type {Request} */ request) {
    const answer = answers.get(pathOf(request.url));
    return answer === undefined ? super.fetch(request) : serveFile(request, answer);
  }
}

/** What the runner's timer calls, on a socket of its own. */
export class Schedule extends Worker {
  async fetch(/** @type {Request} */ request) {
    if (!(await isEqual(request.headers.get("authorization") ?? "", `Bearer ${env.SCHEDULE_SECRET}`))) {
      return new Response(null, { status: 401 });
    }
    await super.scheduled({ scheduledTime: Date.now(), cron: "* * * * *", noRetry() {} });
    return new Response(null, { status: 204 });
  }
}

/** Compares in a time that tells nothing of where texts differ. */
async function isEqual(/** @type {string} */ a, /** @type {string} */ b) {
  const digests = [a, b].map((text) => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  const [one, other] = await Promise.all(digests);
  return crypto.subtle.timingSafeEqual(one, other);
}
