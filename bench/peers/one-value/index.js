// Chat with memory as the five systems keep it: the whole session is one JSON value, read and written by every turn, and
// the list reads them all.
import { Redis } from "@upstash/redis/cloudflare";
import { Hono } from "hono";
import { echo } from "../echo.js";
import { answer, replyTo, title, userMessage } from "../message.js";

const TTL = 604_800;
const WINDOW = 20;
const PREFIX = "one-value:";

/** @type {Redis} */
let redis;
const app = new Hono();

app.use(async (c, next) => {
  redis ??= Redis.fromEnv(c.env);
  await next();
});

app.post("/v1/chat", async (c) => {
  const { message, session_id: id = crypto.randomUUID() } = await c.req.json();
  if (typeof message !== "string" || message.trim() === "") return c.json({ error: "message is empty" }, 400);
  const now = new Date().toISOString();
  const session = (await redis.get(PREFIX + id)) ?? { title: title(message), total: 0, created: now, messages: [] };
  const said = userMessage(message);
  session.messages.push(said);
  const reply = replyTo(said, echo(session.messages.slice(-WINDOW)));
  session.messages.push(reply);
  session.messages = session.messages.slice(-Number(c.env.MAX_MESSAGES_PER_SESSION));
  session.total += 2;
  session.last_activity = now;
  await redis.set(PREFIX + id, session, { ex: TTL });
  return c.json(answer(id, said, reply));
});

app.get("/v1/sessions", async (c) => {
  const found = await redis.keys(`${PREFIX}*`);
  const values = found.length === 0 ? [] : await redis.mget(...found);
  const sessions = values.map(({ title, total, created, last_activity, messages }, at) => ({
    session_id: found[at].slice(PREFIX.length),
    title,
    message_count: messages.length,
    total_messages: total,
    created_at: created,
    updated_at: last_activity,
  }));
  sessions.sort((one, other) => (one.updated_at < other.updated_at ? 1 : -1));
  return c.json({ sessions: sessions.slice(0, Number(c.req.query("limit"))), count: sessions.length });
});

app.get("/v1/sessions/:id/history", async (c) => {
  const session_id = c.req.param("id");
  const { messages, total } = await redis.get(PREFIX + session_id);
  const page = messages.slice(-Number(c.req.query("limit")));
  return c.json({ session_id, messages: page, message_count: messages.length, total_messages: total });
});

export default app;
