// A store that is there and doesn't let the Worker in: each mistake of configuration has a name in `/health`, is refused in the open, and
// ends when it is mended. Redis is real, behind TLS with an authority of its own.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Api, assertProblem, eventually, ok } from "../harness/api.mjs";
import { makeCertificates } from "../harness/certificates.mjs";
import { ROOT } from "../harness/folders.mjs";
import { startGateway } from "../harness/gateway.mjs";
import { startRedis } from "../harness/redis.mjs";
import { startWorker } from "../harness/worker.mjs";

/** The line of the documentation that gives the least rights. */
const LINE = /^ACL SETUSER chatkeep .*$/m.exec(readFileSync(join(ROOT, "SECURITY.md"), "utf8"))?.[0] ?? "";

/** @type {import("../harness/redis.mjs").Redis} */
let redis;
/** @type {import("../harness/gateway.mjs").Gateway} */
let gateway;
/** @type {import("../harness/worker.mjs").Worker} */
let worker;
/** @type {Api} */
let api;
/** @type {Record<string, string>} the gateway's variables as they should be */
let right;
/** How many turns were answered. */
let turns = 0;

before(async () => {
  const tls = makeCertificates();
  redis = await startRedis({ certificates: tls });
  await redis.cli("ACL", "SETUSER", "operator", "on", ">operator-word", "+@all");
  await grant();
  right = { REDIS_URL: `rediss://chatkeep:secret-word@127.0.0.1:${redis.tlsPort}`, REDIS_TLS_CA: tls.ca };
  gateway = await startGateway({ redisUrl: right.REDIS_URL, vars: right });
  worker = await startWorker({ store: "upstash", gateway });
  api = new Api(worker.url);
});
after(async () => {
  await worker?.stop();
  await gateway?.stop();
  await redis?.stop();
});

/** Gives the Worker's user the rights of the documentation, and no more. */
async function grant() {
  assert.equal(await operator(...LINE.replace(">PASSWORD", ">secret-word").split(" ")), "OK");
}

/**
 * Runs redis-cli as somebody who is always let in.
 * @param {string[]} words
 */
function operator(...words) {
  return redis.cli("--user", "operator", "--pass", "operator-word", "--no-auth-warning", ...words);
}

/** Everything works, perhaps after a moment. */
async function works() {
  const answer = await eventually(
    () => api.chat({ message: "Hello", session_id: "s", message_id: `m${turns}` }),
    ({ status }) => status === 200,
  );
  assert.equal(ok(answer).degraded, undefined, "a turn waits in the journal, though the store only refused");
  turns += 1;
  assert.equal(ok(await api.info("s")).total_messages, turns * 2);
  const health = ok(await api.get("/health"));
  assert.deepEqual([health.status, health.redis, health.journal_depth], ["healthy", "connected", 0]);
}

/**
 * A turn is refused with this cause, `/health` names it, and neither says more.
 * @param {string} cause
 * @param {Api} [through]
 */
async function isNamed(cause, through = api) {
  const refused = await through.chat({ message: "Lost", session_id: "s" });
  assert.equal(assertProblem(refused, 503, "store_misconfigured").retryable, false);
  assert.equal(refused.body.detail, `store: ${cause}`);
  const health = await through.get("/health");
  assert.deepEqual([health.status, health.body.status, health.body.cause], [503, "degraded", cause]);
  assert.equal(health.body.using_fallback, false);
  for (const text of [refused.text, health.text]) assert.doesNotMatch(text, /word|127\.0\.0\.1|\.crt/);
}

/**
 * The same, once the gateway that was just started knows it: a turn that comes before goes into the journal.
 * @param {string} cause
 */
async function isNamedSoon(cause) {
  await eventually(
    () => api.info("s"),
    ({ body }) => body.detail === `store: ${cause}`,
  );
  await isNamed(cause);
}

describe("a Redis behind TLS", () => {
  test("works with the authority that vouches for it", works);

  test("is not trusted by another authority, nor by the public ones", async () => {
    await gateway.restart({ REDIS_TLS_CA: makeCertificates().ca });
    await isNamedSoon("redis_certificate_not_trusted");
    await gateway.restart({ REDIS_TLS_CA: "" });
    await isNamedSoon("redis_certificate_not_trusted");
    await gateway.restart(right);
    await works();
  });

  test("that has no cipher in common is named", async () => {
    await operator("CONFIG", "SET", "tls-ciphersuites", "TLS_AES_128_CCM_SHA256", "tls-protocols", "TLSv1.3");
    await gateway.restart(right);
    await isNamedSoon("redis_tls_failed");
    await operator("CONFIG", "SET", "tls-ciphersuites", "TLS_AES_128_GCM_SHA256");
    await works();
  });
});

describe("a Redis that asks who comes", () => {
  test("refuses another password, another user, and nobody at all", async () => {
    for (const login of ["chatkeep:other-word@", "stranger:secret-word@", ":other-word@"]) {
      await gateway.restart({ REDIS_URL: right.REDIS_URL.replace("chatkeep:secret-word@", login) });
      await isNamedSoon("redis_login_refused");
    }
    await operator("ACL", "SETUSER", "default", "off");
    await gateway.restart({ REDIS_URL: right.REDIS_URL.replace("chatkeep:secret-word@", "") });
    await isNamedSoon("redis_login_refused");
    await gateway.restart(right);
    await works();
  });

  test("is let in by itself once the password is the right one", async () => {
    await operator("ACL", "SETUSER", "chatkeep", "resetpass", ">new-word");
    await gateway.restart(right);
    await isNamedSoon("redis_login_refused");
    await operator("ACL", "SETUSER", "chatkeep", "resetpass", ">secret-word");
    await works();
  });

  test("names a right that is missing: a command, the keys", async () => {
    for (const lacking of [
      ["-evalsha", "-eval"],
      ["resetkeys", "~other:*"],
    ]) {
      await operator("ACL", "SETUSER", "chatkeep", ...lacking);
      await isNamed("no_permission");
      await grant();
      await works();
    }
  });

  test("names one that is missing inside a script, before anything is changed", async () => {
    await operator("ACL", "SETUSER", "chatkeep", "-hmget");
    await isNamed("no_permission");
    await grant();
    await works();
  });

  test("is named also while a turn waits in the journal, which is replayed in the end", async () => {
    await gateway.kill();
    const waiting = { message: "Hello", session_id: "s", message_id: `m${turns}` };
    assert.equal(ok(await api.chat(waiting)).degraded, true);
    turns += 1;
    await gateway.restart({ REDIS_URL: right.REDIS_URL.replace("secret-word", "other-word") });
    await isNamedSoon("redis_login_refused");
    await gateway.restart(right);
    await eventually(
      () => api.get("/health"),
      ({ body }) => body.status === "healthy" && body.journal_depth === 0,
    );
    await works();
  });
});

test("a wrong token at the REST API is named", async () => {
  const stranger = await startWorker({ store: "upstash", gateway, vars: { UPSTASH_REDIS_REST_TOKEN: "other-word" } });
  try {
    await isNamed("unauthorized", new Api(stranger.url));
  } finally {
    await stranger.stop();
  }
});
