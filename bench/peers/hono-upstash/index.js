// Chat with memory as one writes it well with Hono and @upstash/redis: a list of messages and a hash of facts for each
// session, a sorted set of all sessions, and pipelines. A turn is two requests to Redis, and so is a list.
import { Redis } from "@upstash/redis/cloudflare";
import { Hono } from "hono";
import { echo } from "../echo.js";
import { answer, replyTo, title, userMessage } from "../message.js";

const TTL = 604_800;
const WINDOW = 20;
const INDEX = "hono-upstash:sessions";

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
  const { messages, facts } = keys(id);
  const earlier = await redis.lrange(messages, 1 - WINDOW, -1);
  const said = userMessage(message);
  const reply = replyTo(said, echo([...earlier, said]));

  const now = Date.now();
  const store = redis.pipeline();
  store.rpush(messages, said, reply);
  store.ltrim(messages, -Number(c.env.MAX_MESSAGES_PER_SESSION), -1);
  store.expire(messages, TTL);
  store.hset(facts, { updated: now, ...(earlier.length === 0 && { title: title(message), created: now }) });
  store.hincrby(facts, "total", 2);
  store.expire(facts, TTL);
  store.zadd(INDEX, { score: now, member: id });
  await store.exec();
  return c.json(answer(id, said, reply));
});

app.get("/v1/sessions", async (c) => {
  const oldest = Date.now() - TTL * 1000;
  const page = redis.pipeline();
  page.zcount(INDEX, oldest, "+inf");
  page.zrange(INDEX, "+inf", oldest, { byScore: true, rev: true, offset: 0, count: Number(c.req.query("limit")) });
  const [count, ids] = await page.exec();
  if (ids.length === 0) return c.json({ sessions: [], count });
  const details = redis.pipeline();
  for (const id of ids) details.hgetall(keys(id).facts);
  const found = await details.exec();
  const sessions = ids.map((session_id, at) => {
    const { title, total, created, updated } = found[at];
    return {
      session_id,
      title,
      message_count: kept(total, c.env),
      total_messages: total,
      created_at: new Date(created).toISOString(),
      updated_at: new Date(updated).toISOString(),
      expires_at: new Date(updated + TTL * 1000).toISOString(),
    };
  });
  return c.json({ sessions, count });
});

app.get("/v1/sessions/:id/history", async (c) => {
  const session_id = c.req.param("id");
  const { messages, facts } = keys(session_id);
  const read = redis.pipeline();
  read.lrange(messages, -Number(c.req.query("limit")), -1);
  read.hget(facts, "total");
  const [page, total] = await read.exec();
  return c.json({ session_id, messages: page, message_count: kept(total, c.env), total_messages: total });
});

function kept(total, env) {
  return Math.min(total, Number(env.MAX_MESSAGES_PER_SESSION));
}

function keys(id) {
  return { messages: `hono-upstash:messages:${id}`, facts: `hono-upstash:session:${id}` };
}

export default app;
