// The answers for the files of a folder, by path, as Cloudflare's static assets have them: pages without `.html`, redirects to
// those, content types, ETags and the rules of a `_headers` file.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";

/**
 * The answer for a path: a file or a redirect.
 * @typedef {object} StaticAnswer
 * @property {string} [file] its path in the folder
 * @property {string} [location] where it is
 * @property {{file?: Record<string, string>, rules: Record<string, string>}} headers the file's own, and those of `_headers`
 */

/** @typedef {{path: RegExp, headers: [string, string][]}} HeaderRule */

/** The types of what a bundler writes. */
const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/vnd.microsoft.icon",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
};

/** What configures static assets, and is none itself. */
const NOT_SERVED = /^\/(_headers|_redirects)$|\/\./;

/**
 * Lists the answers for a folder's files.
 * @param {string} folder
 * @returns {Record<string, StaticAnswer>}
 */
export function listAnswers(folder) {
  const rules = readHeaderRules(folder);
  /** @type {Record<string, StaticAnswer>} */
  const answers = Object.create(null);
  const redirects = Object.create(null);
  for (const file of listFiles(folder)) {
    if (NOT_SERVED.test(file)) continue;
    const digest = createHash("sha256")
      .update(readFileSync(join(folder, file)))
      .digest("hex")
      .slice(0, 32);
    const headers = {
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      "cache-control": "public, max-age=0, must-revalidate",
      etag: `"${digest}"`,
    };
    const { path, others } = pathsOf(file);
    answers[path] = { file, headers: { file: headers, rules: headersFor(path, rules) } };
    for (const other of others) redirects[other] = { location: path, headers: { rules: headersFor(other, rules) } };
  }
  return Object.assign(Object.create(null), redirects, answers); // a file of that name comes before a redirect
}

/**
 * The path at which a file is served, and those that redirect to it.
 * @param {string} file
 */
function pathsOf(file) {
  if (!file.endsWith(".html")) return { path: file, others: [] };
  const page = file.slice(0, -".html".length);
  if (!page.endsWith("/index")) return { path: page, others: [file, `${page}/`] };
  const folder = page.slice(0, -"index".length);
  return { path: folder, others: [file, page, folder.slice(0, -1)].filter(Boolean) };
}

/** @param {string} folder */
function listFiles(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `/${relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, "/")}`);
}

/**
 * Reads a `_headers` file: a path, with `*` for anything, and under it its headers, indented.
 * @param {string} folder
 * @returns {HeaderRule[]}
 */
function readHeaderRules(folder) {
  let text;
  try {
    text = readFileSync(join(folder, "_headers"), "utf8");
  } catch {
    return [];
  }
  /** @type {HeaderRule[]} */
  const rules = [];
  for (const line of text.split("\n").filter((line) => line.trim() && !line.startsWith("#"))) {
    if (/^\S/.test(line)) {
      const escaped = line
        .trim()
        .split("*")
        .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"));
      rules.push({ path: new RegExp(`^${escaped.join(".*")}$`), headers: [] });
    } else {
      const [, name, value] = /^\s+([^:\s]+):\s*(.*?)\s*$/.exec(line) ?? [];
      if (name) rules.at(-1)?.headers.push([name.toLowerCase(), value]);
    }
  }
  return rules;
}

/**
 * @param {string} path
 * @param {HeaderRule[]} rules
 */
function headersFor(path, rules) {
  return Object.fromEntries(rules.filter((rule) => rule.path.test(path)).flatMap((rule) => rule.headers));
}
