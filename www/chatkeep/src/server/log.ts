/** Where a store's log lines go. */

import type { LogLine, StoreOptions } from "./types.js";

export function logTo(logger: StoreOptions["logger"]): (line: string) => void {
  if (logger === false) return () => {};
  if (typeof logger === "function") {
    return (line) => {
      try {
        logger(JSON.parse(line) as LogLine);
      } catch (error) {
        // The logger's mistake is not the store's, and must not end in the middle of the machine.
        queueMicrotask(() => {
          throw error;
        });
      }
    };
  }
  if (logger === "json") return (line) => console.log(line);
  return (line) => console.warn(line);
}
