// The hot I/O of the Worker. Each function crosses the boundary to Rust once each way, with strings: that costs a
// fraction of driving Request, Headers and Response from Rust, call by call.

/** How far beyond the limit a body is read to its end, as a multiple of it. */
const DRAINED = 16;

/**
 * Reads a request: the values of the named headers, each on its line (header values can't contain line breaks), and
 * after them the body. Null when the body is longer than the limit.
 */
export async function receive(request, names, limit) {
  let head = "";
  for (const name of names.split(" ")) head += (request.headers.get(name) ?? "") + "\n";
  if (request.body === null) return head;
  // What isn't UTF-8 is refused: replacing it would change the text.
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const length = request.headers.get("content-length");
  if (length !== null && Number(length) <= limit) return head + decoder.decode(await request.arrayBuffer());
  let text = "";
  let read = 0;
  for await (const chunk of request.body) {
    read += chunk.byteLength;
    if (read <= limit) text += decoder.decode(chunk, { stream: true });
    // The rest is read and dropped: a client whose connection closes while it sends doesn't get to see why.
    else if (read > limit * DRAINED) break;
  }
  return read > limit ? null : head + text + decoder.decode();
}

/** The value of a request's header, or undefined. */
export function header(request, name) {
  return request.headers.get(name) ?? undefined;
}

/** Makes a response. Headers are names and values by turns, one a line. */
export function respond(status, headers, body) {
  const lines = headers.split("\n");
  const pairs = [];
  for (let at = 0; at + 1 < lines.length; at += 2) pairs.push([lines[at], lines[at + 1]]);
  return new Response(body || null, { status, headers: pairs });
}

/**
 * Posts JSON and gives status, sync token and body, each of the first two on its line. Status 0: no connection; 1: no
 * answer in time. The time covers the body too.
 */
export async function post(url, token, syncToken, body, milliseconds) {
  const headers = { "content-type": "application/json" };
  if (token) headers.authorization = "Bearer " + token;
  if (syncToken) headers["upstash-sync-token"] = syncToken;
  try {
    const response = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(milliseconds) });
    const text = await response.text();
    return response.status + "\n" + (response.headers.get("upstash-sync-token") ?? "") + "\n" + text;
  } catch (error) {
    return error?.name === "TimeoutError" ? "1\n\n" : "0\n\n";
  }
}

/** Asks a Durable Object and gives its status and body, the first on its line. */
export async function ask(stub, body) {
  const response = await stub.fetch("https://vault/", { method: "POST", body });
  return response.status + "\n" + (await response.text());
}

/** Runs a function in one transaction of a Durable Object's storage; rolls back when it gives false. */
export function transact(storage, run) {
  storage.transactionSync(() => {
    if (!run()) throw new Error("the transaction was rolled back");
  });
}
