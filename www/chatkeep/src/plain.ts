/** Values as JSON has them: what `JSON.stringify` keeps of them, and a refusal of what it can't hold. */

import { ChatkeepError } from "./error.js";

/** The deepest nesting that is sent. The server's own limit is lower. */
const MAX_DEPTH = 200;

/**
 * Copies an object as `JSON.stringify` would write it: `toJSON` is called, and members without a value are left out.
 *
 * @throws ChatkeepError `invalid_call`, which names the path of what JSON can't hold: a BigInt, a cycle, a getter that throws.
 */
export function toPlain<T extends object>(value: T): T {
  /** The objects around the one that is written, and their names. */
  const holders: unknown[] = [];
  const names: string[] = [];
  const refuse = (path: string, cause: unknown): ChatkeepError => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const detail = `${path}: ${reason}`;
    return new ChatkeepError({ code: "invalid_call", status: 0, retryable: false, detail }, { cause });
  };
  const path = () => names.slice(1).join(".");
  const check = function (this: unknown, name: string, item: unknown): unknown {
    while (holders.length > 0 && holders.at(-1) !== this) holders.pop();
    names.length = holders.length;
    names.push(name);
    if (typeof item === "bigint") throw refuse(path(), "JSON can't hold a BigInt");
    if (typeof item === "object" && item !== null) {
      if (holders.includes(item)) throw refuse(path(), "the value contains itself");
      if (holders.length > MAX_DEPTH) throw refuse(path(), `the value is more than ${MAX_DEPTH} levels deep`);
      holders.push(item);
    }
    return item;
  };
  try {
    return JSON.parse(JSON.stringify(value, check));
  } catch (cause) {
    if (cause instanceof ChatkeepError) throw cause;
    // A getter threw, or a `toJSON`: of something that comes after what was written last.
    throw refuse(`after ${path()}`, cause);
  }
}
