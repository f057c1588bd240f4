// What is kept, looked through for a text: the files of a folder, and everything in a Redis.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Every key of a Redis with all that it holds. */
const EVERYTHING = `
  local all = {}
  for _, key in ipairs(redis.call('KEYS', '*')) do
    local kind = redis.call('TYPE', key).ok
    local held = kind == 'hash' and redis.call('HGETALL', key) or kind == 'zset' and redis.call('ZRANGE', key, 0, -1) or {}
    all[#all + 1] = key .. ' ' .. table.concat(held, ' ')
  end
  return table.concat(all, '\\n')`;

/**
 * Every file under a folder that holds a text, as UTF-8 or as UTF-16, which SQLite may use.
 * @param {string} folder
 * @param {string} text
 */
export function filesWith(folder, text) {
  const forms = [Buffer.from(text, "utf8"), Buffer.from(text, "utf16le")];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile() && forms.some((form) => readFileSync(file).includes(form)));
}

/**
 * Where a text is in what is kept.
 * @param {string} text
 * @param {string} folder
 * @param {import("./redis.mjs").Redis} [redis]
 */
export async function placesWith(text, folder, redis) {
  const places = filesWith(folder, text);
  if (redis && (await redis.cli("--raw", "EVAL", EVERYTHING, "0")).includes(text)) places.push("Redis");
  return places;
}
