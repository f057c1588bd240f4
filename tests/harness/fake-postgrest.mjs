// What stands in for PostgREST: a fake of the few requests that the archive makes, in front of a real PostgreSQL, which judges
// the rows. As PostgREST does, it turns a request into one statement.
import { once } from "node:events";
import { createServer } from "node:http";

/** @import { Postgres } from "./postgres.mjs" */

export class FakePostgrest {
  /** The value for SUPABASE_URL. */
  url = "";
  /** The value for SUPABASE_KEY. */
  key = "service-role-key-of-the-test";
  /** How many requests shall fail with 503 before they do anything. */
  failing = 0;
  /** Requests with these texts in them are refused, as one with a text that PostgreSQL can't have. @type {string[]} */
  refused = [];
  /** Method and path of every request. @type {string[]} */
  requests = [];
  #server = createServer((request, response) => this.#serve(request, response));

  /** @param {Postgres} postgres */
  constructor(postgres) {
    this.postgres = postgres;
  }

  /** @param {Postgres} postgres */
  static async start(postgres) {
    const fake = new FakePostgrest(postgres);
    fake.#server.listen(0, "127.0.0.1");
    await once(fake.#server, "listening");
    const address = fake.#server.address();
    if (address === null || typeof address === "string") throw new Error("no address");
    fake.url = `http://127.0.0.1:${address.port}`;
    return fake;
  }

  async stop() {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   */
  async #serve(request, response) {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const { method = "", url = "", headers } = request;
    this.requests.push(`${method} ${url}`);
    const answer = (/** @type {number} */ status, text = "") =>
      response.writeHead(status, { "content-type": "application/json" }).end(text);
    if (this.failing > 0) {
      this.failing -= 1;
      return answer(503, '{"message":"as told by the test"}');
    }
    if (this.refused.some((text) => body.includes(text))) {
      return answer(400, '{"code":"22P05","message":"unsupported Unicode escape sequence"}');
    }
    if (headers.apikey !== this.key || headers.authorization !== `Bearer ${this.key}`) return answer(401, "{}");
    const { pathname, searchParams } = new URL(url, this.url);
    const table = /^\/rest\/v1\/([a-z_]+)$/.exec(pathname)?.[1];
    if (!table) return answer(404, "{}");
    try {
      answer(
        method === "POST" ? 201 : 200,
        await this.#run(method, table, searchParams, `${headers.prefer ?? ""}`, body),
      );
    } catch (error) {
      answer(400, JSON.stringify({ message: String(error) }));
    }
  }

  /**
   * @param {string} method
   * @param {string} table
   * @param {URLSearchParams} query
   * @param {string} prefer
   * @param {string} body
   */
  async #run(method, table, query, prefer, body) {
    /** @type {Record<string, string>} */
    const values = {};
    const conditions = [...query].flatMap(([column, filter], at) => {
      const found = /^(eq|lt|gt|in|like|not\.like)\.(.*)$/s.exec(filter);
      if (!found || !["id", "conversation_id", "timestamp"].includes(column)) return [];
      values[`v${at}`] = found[1] === "in" ? `{${found[2].slice(1, -1)}}` : found[2];
      if (found[1].endsWith("like")) {
        values[`v${at}`] = found[2].replaceAll("*", "%");
        return [`${column} ${found[1] === "like" ? "LIKE" : "NOT LIKE"} :'v${at}'`];
      }
      if (found[1] === "in") return [`${column} = ANY(:'v${at}'::uuid[])`];
      return [`${column} ${{ eq: "=", lt: "<", gt: ">" }[found[1]]} :'v${at}'`];
    });
    const where = conditions.length ? `WHERE ${conditions.join(" AND ")}` : "";
    const rows = (/** @type {string} */ inner) => `SELECT coalesce(json_agg(t), '[]') FROM (${inner}) t`;
    const changed = (/** @type {string} */ inner) => `WITH t AS (${inner}) SELECT coalesce(json_agg(t), '[]') FROM t`;
    if (method === "GET") {
      const order = (query.get("order") ?? "id").replaceAll(".", " ");
      return this.postgres.sql(
        rows(`SELECT * FROM ${table} ${where} ORDER BY ${order} LIMIT ${query.get("limit")}`),
        values,
      );
    }
    if (method === "DELETE") {
      if (!where) throw new Error("a DELETE without a filter");
      const gone = await this.postgres.sql(changed(`DELETE FROM ${table} ${where} RETURNING id`), values);
      return prefer.includes("return=representation") ? gone : "";
    }
    if (method === "PATCH") {
      if (!where) throw new Error("a PATCH without a filter");
      const columns = Object.keys(JSON.parse(body));
      const set = columns.map((column) => `${column} = r.${column}`).join(", ");
      const rows = where.replaceAll(/(id|timestamp) /g, `${table}.$1 `);
      const update = `UPDATE ${table} SET ${set} FROM json_populate_record(null::${table}, :'body') r ${rows}`;
      await this.postgres.sql(update, { ...values, body });
      return "";
    }
    const conflict = `ON CONFLICT (${query.get("on_conflict")}) DO NOTHING`;
    const columns = Object.keys(JSON.parse(body)[0] ?? {}).join(", ");
    const insert = `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM json_populate_recordset(null::${table}, :'body') ${conflict}`;
    await this.postgres.sql(insert, { body });
    return "";
  }
}
