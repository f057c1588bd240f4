// The hot I/O of the Worker. Each function crosses the boundary to Rust once each way, with strings and bytes: that costs
// a fraction of driving Request, Headers and Response from Rust, call by call. Bodies are bytes: as strings they would be
// converted twice on their way.

// Rust's futures wake up by this. The platform's own wraps each task in objects of its own, which costs more than the task.
const resolved = Promise.resolve();
globalThis.queueMicrotask = (task) => void resolved.then(task);

/** How far beyond the limit a body is read to its end, as a multiple of it. */
const DRAINED = 16;

/** The values of the named headers, each on its line, and NUL for one that is absent: values contain neither. */
export function headers(request, names) {
  const { headers } = request;
  let lines = "";
  for (const name of names.split(" ")) lines += `${headers.get(name) ?? "\0"}\n`;
  return lines;
}

/** The address and the port of a request's connection; empty where the platform doesn't tell. */
export function peer(request) {
  return request.cf?.clientIp ?? "";
}

/** The body of a request or a response; null when it is longer than the limit. */
export async function body(request, limit) {
  // Asked for first: it tells more cheaply than the body whether there is one.
  const length = request.headers.get("content-length");
  if (length !== null && Number(length) <= limit) return new Uint8Array(await request.arrayBuffer());
  if (request.body === null) return new Uint8Array();
  const chunks = [];
  let read = 0;
  for await (const chunk of request.body) {
    read += chunk.byteLength;
    if (read <= limit) chunks.push(chunk);
    // The rest is read and dropped: a client whose connection closes while it sends doesn't get to see why.
    else if (read > limit * DRAINED) break;
  }
  return read > limit ? null : new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** The body of a request, read piece by piece: what nobody asks for is not read. */
export class BodyReader {
  #reader;

  constructor(request) {
    this.#reader = request.body?.getReader();
  }

  /** The next bytes; undefined at the end. */
  async next() {
    return (await this.#reader?.read())?.value;
  }
}

/** Makes a response. Headers are names and values by turns, one a line, each name once. */
export function respond(status, lines, bytes) {
  // A copy: what is given lies in the memory of Rust, which goes on.
  return new Response(bytes.length > 0 ? bytes.slice() : null, { status, headers: Object.fromEntries(pairs(lines)) });
}

function pairs(lines) {
  const parts = lines.split("\n");
  const found = [];
  for (let at = 0; at + 1 < parts.length; at += 2) found.push([parts[at], parts[at + 1]]);
  return found;
}

/**
 * Makes a response that streams: `pull` gives a promise of the next piece of text, undefined at the end. It is asked when
 * the reader wants more, so a slow reader holds up the work and not the memory. `pull(true)`: the reader has left.
 */
export function stream(status, lines, pull) {
  const encoder = new TextEncoder();
  const pieces = new ReadableStream({
    async pull(controller) {
      const text = await pull();
      if (text === undefined) controller.close();
      else controller.enqueue(encoder.encode(text));
    },
    cancel() {
      pull(true);
    },
  });
  return new Response(pieces, { status, headers: pairs(lines) });
}

/**
 * Posts JSON and gives status, sync token and body. Status 0: no connection; 1: no answer in time. The time covers the
 * body too.
 */
export async function post(url, token, syncToken, traceparent, json, milliseconds) {
  const sent = { "content-type": "application/json" };
  if (token) sent.authorization = "Bearer " + token;
  if (syncToken) sent["upstash-sync-token"] = syncToken;
  if (traceparent) sent.traceparent = traceparent;
  const body = json.slice();
  try {
    const signal = AbortSignal.timeout(milliseconds);
    const response = await fetch(url, { method: "POST", headers: sent, body, signal });
    const bytes = new Uint8Array(await response.arrayBuffer());
    return [response.status, response.headers.get("upstash-sync-token") ?? "", bytes];
  } catch (error) {
    return [error?.name === "TimeoutError" ? 1 : 0, "", new Uint8Array()];
  }
}

/** Reads a URL of JSON and gives its status and body, the first on its line. Status 0: no answer, or one that is too long. */
export async function get(url, limit, milliseconds) {
  try {
    const signal = AbortSignal.timeout(milliseconds);
    const response = await fetch(url, { headers: { accept: "application/json" }, signal });
    const bytes = await body(response, limit);
    return bytes === null ? "0\n" : response.status + "\n" + new TextDecoder().decode(bytes);
  } catch {
    return "0\n";
  }
}

/** Begins to post JSON. The answer's body is read piece by piece. */
export class Upstream {
  #abort = new AbortController();
  #reader;
  status = 0;
  /** The seconds of `Retry-After`; 0 without one. */
  retryAfter = 0;

  /** Gives false when there is no connection. */
  async open(url, lines, json) {
    const body = json.slice();
    const headers = [["content-type", "application/json"], ...pairs(lines)];
    try {
      const response = await fetch(url, { method: "POST", headers, body, signal: this.#abort.signal });
      this.status = response.status;
      this.retryAfter = seconds(response.headers.get("retry-after") ?? "");
      this.#reader = response.body?.getReader();
      return true;
    } catch {
      return false;
    }
  }

  /** The next bytes; undefined at the end, null when the connection broke. */
  async next() {
    try {
      return (await this.#reader?.read())?.value;
    } catch {
      return null;
    }
  }

  /** Gives it up. */
  close() {
    this.#abort.abort();
  }
}

/** How long a `Retry-After` says to wait, which is seconds or a date. */
function seconds(value) {
  const wait = value.trim() === "" ? 0 : Number(value);
  const left = Number.isNaN(wait) ? (Date.parse(value) - Date.now()) / 1000 : wait;
  return left > 0 ? Math.min(Math.ceil(left), 86_400) : 0;
}

/** A text in NFKD, in lower case, without what a pattern matches. */
export function normalize(text, pattern) {
  return text.normalize("NFKD").replace(new RegExp(pattern, "gu"), "").toLowerCase();
}

/** The HMAC-SHA256 of a text, in hex. */
export async function hmac(secret, text) {
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["sign"]);
  const bytes = new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Asks a Durable Object and gives its status and body, the first on its line. */
export async function ask(stub, question) {
  const response = await stub.fetch("https://vault/", { method: "POST", body: question });
  return response.status + "\n" + (await response.text());
}

/** Waits for a promise, but no longer than this. */
export async function waitFor(promise, milliseconds) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Runs statements with their parameters on the archive's database, all or none, and gives the rows of each; null when it fails.
 * The binding is a D1 database, or where Chatkeep is self-hosted the namespace of the object `Archive`.
 */
export async function query(env, binding, json) {
  const database = env[binding];
  try {
    if (database.idFromName !== undefined) {
      const object = database.get(database.idFromName("archive"));
      const response = await object.fetch("https://archive/", { method: "POST", body: json });
      return response.ok ? await response.text() : null;
    }
    const statements = JSON.parse(json).map(([text, parameters]) => database.prepare(text).bind(...parameters));
    return JSON.stringify((await database.batch(statements)).map(({ results }) => results ?? []));
  } catch {
    // Its text can hold a parameter's value: only that it failed is told.
    return null;
  }
}

/** Runs the same statements on a Durable Object's own database; null when one fails, and then none was run. */
export function queryStorage(storage, json) {
  try {
    const run = ([text, parameters]) => storage.sql.exec(text, ...parameters).toArray();
    return JSON.stringify(storage.transactionSync(() => JSON.parse(json).map(run)));
  } catch {
    return null;
  }
}

/** Sends a request with a bearer token, and gives the answer's status and body; null when there was none in time. */
export async function request(method, url, token, lines, text, milliseconds) {
  const sent = new Headers(pairs(lines).filter(([, value]) => value));
  sent.set("authorization", "Bearer " + token);
  try {
    const signal = AbortSignal.timeout(milliseconds);
    const response = await fetch(url, { method, headers: sent, body: text || undefined, signal });
    return response.status + "\n" + (await response.text());
  } catch {
    return null;
  }
}

/** The SHA-256 of a text, in hex. */
export async function sha256(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Asks a Durable Object and gives its response, of which nothing was read. */
export function relay(stub, question) {
  return stub.fetch("https://vault/", { method: "POST", body: question });
}

/** The media type of a response; empty without one. */
export function mediaType(response) {
  return response.headers.get("content-type") ?? "";
}

/** A response without its body, whose sender is told that nobody reads it. */
export function headOf(response) {
  response.body?.cancel().catch(() => {}); // it has ended
  return new Response(null, { status: response.status, headers: response.headers });
}

/** A response with further headers. Its body goes through without a stop here. */
export function dressed(response, lines) {
  const headers = new Headers(response.headers);
  for (const [name, value] of pairs(lines)) headers.set(name, value);
  const { status, body, webSocket } = response;
  return new Response(body, { status, headers, ...(webSocket && { webSocket }) });
}

/** The headers of a request that only those have who open a WebSocket: to what it is upgraded, and its subprotocols. */
export function socketHeaders({ headers }) {
  return `${headers.get("upgrade") ?? ""}\n${headers.get("sec-websocket-protocol") ?? ""}`;
}

/** Opens a WebSocket to a Durable Object. */
export function upgrade(stub) {
  return stub.fetch("https://vault/", { headers: { upgrade: "websocket" } });
}

/** The bytes that were sent to each WebSocket since it said `ping` last, and when that was. */
const unheard = new WeakMap();

/**
 * Sends texts, one a line, to every WebSocket of a Durable Object, and gives how many there are. What is sent waits in memory
 * until it is read, and nobody says for how long: so one that was sent more than `limit` since it said `ping` is closed.
 */
export function broadcast(state, lines, limit) {
  const texts = lines.split("\n");
  const sockets = state.getWebSockets();
  for (const socket of sockets) {
    const pinged = state.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
    let sent = unheard.get(socket);
    if (sent?.pinged !== pinged) {
      sent = { pinged, bytes: 0 };
      unheard.set(socket, sent);
    }
    sent.bytes += lines.length;
    try {
      if (sent.bytes > limit) socket.close(1013, "silent for too long");
      else for (const text of texts) socket.send(text);
    } catch {
      // It is closing: it gets no more.
    }
  }
  return sockets.length;
}

/** Runs a function in one transaction of a Durable Object's storage; rolls back when it gives false. */
export function transact(storage, run) {
  storage.transactionSync(() => {
    if (!run()) throw new Error("the transaction was rolled back");
  });
}
