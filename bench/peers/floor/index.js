// The least that this work can cost in a Worker: no library, no checks, one script call for each step.
import { echo } from "../echo.js";
import { answer, replyTo, title, userMessage } from "../message.js";
import HISTORY from "./history.lua";
import LIST from "./list.lua";
import STORE from "./store.lua";
import WINDOW from "./window.lua";

const TTL = 604_800;
const INDEX = "floor:index";
const CARDS = "floor:cards";

export default {
  async fetch(request, env) {
    const { url } = request;
    if (request.method === "POST") return chat(await request.json(), env);
    const [path, query] = url.slice(url.indexOf("/v1/")).split("?limit=");
    return path === "/v1/sessions" ? list(query, env) : history(path.split("/")[3], query, env);
  },
};

async function chat({ message, session_id: id = crypto.randomUUID() }, env) {
  const messages = messagesOf(id);
  const earlier = await run(env, WINDOW, [messages], ["20"]);
  const said = userMessage(message);
  const reply = replyTo(said, echo([...earlier.map((text) => JSON.parse(text)), said]));
  const facts = [id, `${Date.now()}`, title(message), `${TTL}`, env.MAX_MESSAGES_PER_SESSION];
  await run(env, STORE, [messages, INDEX, CARDS], [JSON.stringify(said), JSON.stringify(reply), ...facts]);
  return json(JSON.stringify(answer(id, said, reply)));
}

async function list(limit, env) {
  const [count, cards] = await run(env, LIST, [INDEX, CARDS], [limit]);
  return json(`{"sessions":[${cards.join(",")}],"count":${count}}`);
}

async function history(id, limit, env) {
  const [total, kept, messages] = await run(env, HISTORY, [messagesOf(id), CARDS], [limit, id]);
  const head = `{"session_id":${JSON.stringify(id)},"message_count":${kept},"total_messages":${total}`;
  return json(`${head},"messages":[${messages.join(",")}]}`);
}

function messagesOf(id) {
  return `floor:messages:${id}`;
}

function json(body) {
  return new Response(body, { headers: { "content-type": "application/json" } });
}

const digests = new Map();

/** Runs a script, by its digest when Redis knows it. */
async function run(env, script, keys, values) {
  const digest = digests.get(script) ?? (await sha1(script));
  digests.set(script, digest);
  const rest = [`${keys.length}`, ...keys, ...values];
  const found = await post(env, ["EVALSHA", digest, ...rest]);
  if (!found.error) return found.result;
  const { result, error } = await post(env, ["EVAL", script, ...rest]);
  if (error) throw new Error(error);
  return result;
}

async function post(env, command) {
  const headers = { authorization: `Bearer ${env.UPSTASH_REDIS_REST_TOKEN}` };
  const answer = await fetch(env.UPSTASH_REDIS_REST_URL, { method: "POST", headers, body: JSON.stringify(command) });
  return answer.json();
}

async function sha1(text) {
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
