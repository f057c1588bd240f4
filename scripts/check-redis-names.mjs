#!/usr/bin/env node
// Redis commands are spoken in three places: the model's plans, its Redis vocabulary, and the testkit's reference store.
// (The gateway is a Redis proxy: names are its trade.) Anywhere else a command name is a decision that slipped out.
import { readdirSync, readFileSync } from "node:fs";

const SPOKEN_IN = [/^crates\/model\/src\/(plan|redis)\//, /^crates\/(testkit|gateway)\//];
const NAMES = `EVAL EVALSHA EVAL_RO EVALSHA_RO SCRIPT HSET HGET HDEL HMGET HGETALL HSCAN HEXISTS HINCRBY HSETNX HLEN EXPIRE
PEXPIRE PEXPIREAT EXPIREAT PTTL TTL RENAME ZADD ZREM ZRANGE ZCARD ZCOUNT ZSCORE ZREMRANGEBYSCORE ZREVRANGE RPUSH LPUSH
LRANGE LTRIM LLEN SETEX PSETEX SETNX INCR INCRBY MULTI PIPELINE UNLINK DEL SCAN KEYS FLUSHALL XADD XRANGE XREAD`;
const LITERAL = new RegExp(`["'\`](?:${NAMES.split(/\s+/).join("|")})["'\`]|redis\\.(?:p)?call\\b`);

let faults = 0;
for (const root of ["crates", "www"]) {
  for (const entry of readdirSync(root, { recursive: true })) {
    const file = `${root}/${entry}`;
    if (!/\.(rs|ts|tsx|lua)$/.test(file) || /\/(node_modules|dist|build|wasm)\//.test(file)) continue;
    if (SPOKEN_IN.some((place) => place.test(file))) continue;
    readFileSync(file, "utf8")
      .split("\n")
      .forEach((line, index) => {
        const name = LITERAL.exec(line)?.[0];
        if (!name) return;
        faults += 1;
        console.error(`a Redis command outside plan/ and redis/: ${file}:${index + 1}: ${name}`);
      });
  }
}
process.exitCode = faults ? 1 : 0;
