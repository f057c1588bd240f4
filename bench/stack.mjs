// A Redis and the optimised gateway before it: what all contenders have in common.
import { startGateway } from "../tests/harness/gateway.mjs";
import { startRedis } from "../tests/harness/redis.mjs";

/** @import { Gateway } from "../tests/harness/gateway.mjs" */
/** @import { Redis } from "../tests/harness/redis.mjs" */

/**
 * @typedef {object} Stack
 * @property {Redis} redis
 * @property {Gateway} gateway
 * @property {() => Promise<void>} empty removes every key
 * @property {() => Promise<void>} stop
 */

/**
 * @param {"debug" | "native"} [profile] of Cargo, that the gateway was built with
 * @returns {Promise<Stack>}
 */
export async function startStack(profile = "native") {
  const redis = await startRedis();
  const gateway = await startGateway({ redisUrl: redis.url, profile });
  return {
    redis,
    gateway,
    empty: async () => void (await redis.cli("FLUSHALL", "SYNC")),
    stop: async () => {
      await gateway.stop();
      await redis.stop();
    },
  };
}
