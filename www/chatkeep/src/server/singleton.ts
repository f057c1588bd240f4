/** The one store of a process, which survives that a development server loads this module anew. */

import type { Store } from "./types.js";

const PLACE = Symbol.for("chatkeep.server.store");

export function singleton(make: (closed: () => void) => Store): Store {
  const global = globalThis as { [PLACE]?: Store | undefined };
  global[PLACE] ??= make(() => {
    global[PLACE] = undefined;
  });
  return global[PLACE];
}
