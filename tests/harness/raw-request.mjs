// A request with what `fetch` doesn't let one choose: the Host header, a path as it is, and a body in chunks without a length.
import { request } from "node:http";

/** @import { Answer } from "./api.mjs" */

/**
 * @param {string} url
 * @param {{method?: string, path?: string, headers?: Record<string, string>, chunks?: (string | Buffer)[]}} [options] `path` in
 *   place of the URL's
 * @returns {Promise<Answer>}
 */
export function rawRequest(url, { method = "GET", path, headers = {}, chunks = [] } = {}) {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, ...(path && { path }) }, async (response) => {
      let text = "";
      for await (const chunk of response.setEncoding("utf8")) text += chunk;
      const pairs = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
      const json = /json/.test(response.headers["content-type"] ?? "");
      const body = json && text ? JSON.parse(text) : undefined;
      resolve({ status: response.statusCode ?? 0, headers: new Headers(Object.fromEntries(pairs)), text, body });
    });
    asked.on("error", reject);
    for (const chunk of chunks) asked.write(chunk);
    asked.end();
  });
}
