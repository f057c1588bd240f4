// The production list of system E, all of it at once: TLS with an authority of one's own, the least rights in Redis, encryption,
// visitors who own their conversations, a rate limit.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { Api, assertProblem, ok } from "../harness/api.mjs";
import { makeCertificates } from "../harness/certificates.mjs";
import { EventStream } from "../harness/events.mjs";
import { ROOT } from "../harness/folders.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { startRedis } from "../harness/redis.mjs";
import { onRedis } from "../harness/stores.mjs";
import { startWorker } from "../harness/worker.mjs";

/** The rights that the documentation names. */
const RIGHTS = /^ACL SETUSER chatkeep .*$/m.exec(readFileSync(join(ROOT, "SECURITY.md"), "utf8"))?.[0] ?? "";
const PASSWORD = "a-long-password";
const SECRET = "Rahasia: kata sandi saya adalah 🦜";

onRedis("openta, configured as the production list says", () => {
  const certificates = makeCertificates();
  let redis;
  let gateway;
  let worker;

  before(async () => {
    redis = await startRedis({ certificates });
    assert.equal(await redis.cli(...RIGHTS.replace(">PASSWORD", `>${PASSWORD}`).split(" ")), "OK");
    // Nobody else gets in, and nobody gets in without TLS but for this test.
    await redis.cli("ACL", "SETUSER", "default", "resetpass", ">the-tests-own");
    const vars = { REDIS_TLS_CA: certificates.ca };
    gateway = await startGateway({ redisUrl: `rediss://chatkeep:${PASSWORD}@127.0.0.1:${redis.tlsPort}`, vars });
    worker = await startWorker({
      store: "upstash",
      gateway,
      vars: {
        VISITOR_SECRET: randomBytes(32).toString("hex"),
        API_KEYS: "a-server-s-own-key",
        ENCRYPTION_KEYS: `k1:${randomBytes(32).toString("hex")}`,
        ENCRYPTION_STRICT: "on",
        RATE_LIMIT: "5/3600",
      },
    });
  });
  after(async () => {
    await worker?.stop();
    await gateway?.stop();
    await redis?.stop();
  });

  const cli = (...words) => redis.cli("--no-auth-warning", "-a", "the-tests-own", ...words);
  const visitor = async () => {
    const { token } = ok(await new Api(worker.url).send("POST", "/v1/visitors"));
    return new Api(`${worker.url}/openta`, { authorization: `Bearer ${token}` });
  };
  const asked = (query, meta_params) => ({ query, meta_params });

  test("E8 production list: turns, streams, incognito turns and history work, and the caller owns the conversation", async () => {
    const [ada, bob] = [await visitor(), await visitor()];
    const conversation_id = "shared";
    ok(await ada.send("POST", "/chat/basic", asked(SECRET, { conversation_id })));
    const json = asked("Apa yang saya katakan?", { conversation_id, stream: true });
    const reader = await EventStream.open(`${ada.url}/chat/basic`, { json, headers: ada.headers });
    const done = (await reader.all()).at(-1);
    assert.ok(done?.data.answer.includes(`“${SECRET}”`), JSON.stringify(done));
    const hidden = asked("Dan sekarang?", { conversation_id, is_incognito: true });
    assert.ok(ok(await ada.send("POST", "/chat/basic", hidden)).answer.includes(SECRET));
    const { history } = ok(await ada.get(`/chat/history/${conversation_id}`));
    assert.deepEqual(
      history.map(({ question }) => question),
      [SECRET, json.query],
    );

    const others = ok(await bob.send("POST", "/chat/basic", asked("What did I say?", { conversation_id })));
    assert.match(others.answer, /first thing/);
    assert.equal((await new Api(ada.url).get(`/chat/history/${conversation_id}`)).status, 401);
    ok(await ada.delete(conversation_id));
    assert.equal((await ada.get(`/chat/history/${conversation_id}`)).status, 404);
    assert.equal(ok(await bob.get(`/chat/history/${conversation_id}`)).history.length, 1);
  });

  test("E8 production list: encryption: nothing that was said can be read in Redis", async () => {
    const ada = await visitor();
    ok(await ada.send("POST", "/chat/history/kept", { question: SECRET, answer: SECRET, sources: [SECRET] }));
    const keys = (await cli("KEYS", "*")).split("\n");
    let sealed = 0;
    for (const key of keys.filter((key) => /:(s:[^:]*|cards)$/.test(key))) {
      const stored = await cli("HGETALL", key);
      assert.ok(!stored.includes("Rahasia") && !stored.includes("sandi"), stored);
      sealed += Number(stored.includes("k1."));
    }
    assert.ok(sealed > 0, keys.join("\n"));
    assert.equal(ok(await ada.get("/chat/history/kept")).history[0].sources[0], SECRET);
  });

  test("E8 production list: TLS: who doesn't trust the authority doesn't connect", async () => {
    const redisUrl = `rediss://chatkeep:${PASSWORD}@127.0.0.1:${redis.tlsPort}`;
    const stranger = await startGateway({ redisUrl, vars: { REDIS_TLS_CA: makeCertificates().ca } });
    try {
      const headers = { authorization: `Bearer ${stranger.token}` };
      const answer = await fetch(stranger.url, { method: "POST", headers, body: '["PING"]' });
      assert.ok(answer.status >= 400, await answer.text());
    } finally {
      await stranger.stop();
    }
  });

  test("E8 production list: the least rights: a foreign prefix and FLUSHALL are refused, also by TLS", async () => {
    const as = async (...words) => {
      const tls = [
        "--tls",
        "--cacert",
        certificates.ca,
        "-p",
        `${redis.tlsPort}`,
        "--user",
        "chatkeep",
        "--pass",
        PASSWORD,
      ];
      return (await promisify(execFile)("redis-cli", [...tls, "--no-auth-warning", ...words])).stdout;
    };
    assert.match(await as("PING"), /PONG/);
    for (const words of [["FLUSHALL"], ["HGET", "foreign:key", "a"], ["KEYS", "*"]]) {
      assert.match(await as(...words), /NOPERM/, words.join(" "));
    }
    assert.match(await redis.cli("PING"), /NOAUTH/);
  });

  test("E8 production list: rate limit: of every turn, also of those that nothing remembers", async () => {
    const ada = await visitor();
    const turns = [
      {},
      { conversation_id: "a" },
      { conversation_id: "a", is_incognito: true },
      { conversation_id: "b" },
    ];
    for (const meta_params of [...turns, {}]) ok(await ada.send("POST", "/chat/basic", asked("Hi", meta_params)));
    for (const meta_params of turns) {
      for (const stream of [false, true]) {
        const refused = await ada.send("POST", "/chat/basic", asked("Hi", { ...meta_params, stream }));
        assertProblem(refused, 429, "rate_limited");
        assert.match(refused.headers.get("ratelimit") ?? "", /r=0/);
      }
    }
    const bob = await visitor();
    ok(await bob.send("POST", "/chat/basic", asked("Hi", {})));
  });
});
