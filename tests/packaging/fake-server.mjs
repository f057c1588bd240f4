// A server that speaks enough of docs/protocol.md for the SDK to chat with, on a port of its own, from memory.

import { createServer } from "node:http";

/**
 * Starts it. `files` maps paths to `{type, body}` that it serves besides.
 * @returns {Promise<{url: string, requests: {method: string, path: string, body: any, headers: any}[], sessions: Map<string, any[]>, close(): Promise<void>}>}
 */
export async function startFakeServer(files = new Map()) {
  const sessions = new Map();
  const requests = [];
  /** While somebody holds it, the pieces of a reply come one by one as they say. */
  const held = { on: false, write: (_text) => {}, end: () => {} };
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const path = request.url ?? "/";
    const file = files.get(path.split("?")[0]);
    if (file) {
      response.writeHead(200, { "content-type": file.type }).end(file.body);
      return;
    }
    const body = text === "" ? undefined : JSON.parse(text);
    requests.push({ method: request.method, path, body, headers: request.headers });
    if (body?.stream && body.message !== "fail") {
      await stream(response, sessions, body, held);
      return;
    }
    const [status, answer] = handle(sessions, request.method ?? "", path, body);
    const type = status < 400 ? "application/json" : "application/problem+json";
    response
      .writeHead(status, { "content-type": type, "access-control-allow-origin": "*" })
      .end(JSON.stringify(answer));
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const close = () => new Promise((done) => server.close(done).closeAllConnections());
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    sessions,
    close,
    hold: () => {
      held.on = true;
    },
    piece: (text) => held.write(text),
    release: () => {
      held.on = false;
      held.end();
    },
  };
}

/** Answers a turn by events: in one piece, or in those that come while it is held. */
async function stream(response, sessions, body, held) {
  const [, answer] = turn(sessions, body);
  const { session_id, message_id, reply_id } = answer;
  let id = 0;
  const event = (name, data) => response.write(`id: ${++id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  response.writeHead(200, { "content-type": "text/event-stream" });
  event("turn", { session_id, message_id, reply_id });
  held.write = (text) => event("delta", { text });
  held.write(held.on ? "You said" : answer.response);
  if (held.on) await new Promise((end) => Object.assign(held, { end }));
  event("done", answer);
  response.end();
}

function handle(sessions, method, path, body) {
  const [, version, kind, id, rest] = path.split("?")[0].split("/");
  if (version !== "v1") return problem(404, "route_not_found");
  if (method === "POST" && kind === "chat") return turn(sessions, body);
  if (method === "GET" && kind === "sessions" && id === undefined) {
    const all = [...sessions.keys()].reverse().map((session) => card(sessions, session));
    return [200, { sessions: all, count: all.length }];
  }
  if (!sessions.has(id)) return problem(404, "session_not_found");
  const messages = sessions.get(id);
  if (method === "GET" && rest === "history") {
    return [200, { session_id: id, messages, message_count: messages.length, total_messages: messages.length }];
  }
  if (method === "DELETE") {
    sessions.delete(id);
    return [200, { session_id: id, deleted: true }];
  }
  return problem(405, "method_not_allowed");
}

function turn(sessions, { message, session_id, message_id, existing, cut_after }) {
  if (message === "fail") return problem(502, "responder_failed");
  const created = !sessions.has(session_id);
  if (created && existing) return problem(404, "session_not_found");
  const messages = sessions.get(session_id) ?? [];
  sessions.set(session_id, messages);
  if (cut_after) messages.splice(messages.findIndex(({ id }) => id === cut_after) + 1);
  const reply_id = `r-${message_id}`;
  const replayed = messages.some(({ id }) => id === reply_id);
  const response = `You said: ${message}`;
  if (!replayed) {
    const now = new Date().toISOString();
    messages.push({ id: message_id, role: "user", content: message, created: now });
    messages.push({ id: reply_id, role: "assistant", content: response, created: now, parent: message_id });
  }
  const flags = { ...(created && { created }), ...(replayed && { replayed }) };
  return [200, { response, session_id, message_id, reply_id, ...flags, session: card(sessions, session_id) }];
}

function card(sessions, session_id) {
  const messages = sessions.get(session_id);
  const now = Date.now();
  return {
    session_id,
    title: messages[0].content,
    message_count: messages.length,
    total_messages: messages.length,
    created_at: messages[0].created,
    updated_at: new Date(now).toISOString(),
    expires_at: new Date(now + 604_800_000).toISOString(),
    expires_in_seconds: 604_800,
  };
}

function problem(status, code) {
  return [status, { type: `urn:chatkeep:problem:${code}`, title: code, status, code, retryable: status >= 500 }];
}
