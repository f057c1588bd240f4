// The menu of `npm run demo`, on a Worker and a Redis of its own. Choices are read from the standard input, one a line.
import { createInterface } from "node:readline";
import { Api } from "../tests/harness/api.mjs";
import { startGateway } from "../tests/harness/gateway.mjs";
import { startRedis } from "../tests/harness/redis.mjs";
import { startWorker } from "../tests/harness/worker.mjs";

console.log("Starting Redis, the gateway and the Worker ...");
const redis = await startRedis({ appendonly: true });
const gateway = await startGateway({ redisUrl: redis.url });
const worker = await startWorker({ store: "upstash", redis, gateway, vars: { OPEN_ADMIN: "on" } });
const api = new Api(`${worker.url}/openta`);
let conversation_id = fresh();

const MENU = {
  1: ["memory across turns", memory],
  2: ["New Chat", newChat],
  3: ["incognito", incognito],
  4: ["a restart of the Worker and of Redis", restart],
  5: ["Redis stopped, and back", outage],
};

try {
  menu();
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) {
    const choice = line.trim();
    if (choice === "q") break;
    const [title, show] = MENU[choice] ?? [];
    if (show) {
      console.log(`\n--- ${title} ---`);
      await show();
    }
    menu();
  }
} finally {
  await worker.stop();
  await gateway.stop();
  await redis.stop();
}
process.exit(0);

function menu() {
  console.log("");
  for (const [key, [title]] of Object.entries(MENU)) console.log(`  ${key}  ${title}`);
  console.log("  q  quit");
}

async function memory() {
  await say("My name is Ada");
  await say("What is my name?");
}

async function newChat() {
  conversation_id = fresh();
  await say("What is my name?");
}

async function incognito() {
  await say("My cat is called Mia");
  await say("This is a secret", { is_incognito: true });
  await say("What did I say?");
  const { history } = (await api.get(`/chat/history/${conversation_id}`)).body;
  console.log(`stored: ${history.map(({ question }) => `“${question}”`).join(", ")}`);
}

async function restart() {
  await say("Remember the number 42");
  await redis.restart();
  await worker.restart();
  console.log("(restarted)");
  await say("Which number?");
}

async function outage() {
  await say("Redis is here");
  await redis.kill();
  console.log("(Redis is stopped)");
  await say("Redis is away");
  await redis.restart();
  console.log("(Redis is back)");
  for (let tries = 0; tries < 40; tries += 1) {
    if (await say("What did I say before?", {}, tries < 39)) break;
    await new Promise((resume) => setTimeout(resume, 250));
  }
}

/** Says something and shows what comes of it; says whether it was answered. `quiet` keeps a failure to itself. */
async function say(query, more = {}, quiet = false) {
  const answer = await api.send("POST", "/chat/basic", { query, meta_params: { conversation_id, ...more } });
  const answered = answer.status === 200;
  if (!answered && quiet) return false;
  console.log(`you:  ${query}${more.is_incognito ? "   (incognito)" : ""}`);
  const text = answered
    ? answer.body.answer.replaceAll("\n\n", " ")
    : `${answer.status} ${answer.body?.code}: say it again later`;
  console.log(`chat: ${text}${answer.body?.degraded ? "   (from the journal)" : ""}`);
  return answered;
}

function fresh() {
  return `demo_${Date.now().toString(36)}`;
}
