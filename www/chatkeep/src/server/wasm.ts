/** Loads the store machine: once, when the first store needs it. */

import { initSync, Store as Machine, variables } from "../../wasm-server/chatkeep_library.js";
import type { Platform } from "./platform.js";

let loaded: Promise<void> | undefined;

/** The machine's class and the names of the variables it reads. A load that failed is tried anew by the next call. */
export async function load(platform: Platform): Promise<{ Machine: typeof Machine; variables: string[] }> {
  loaded ??= platform.module().then(
    (module) => void initSync({ module }),
    (error) => {
      loaded = undefined;
      throw error;
    },
  );
  await loaded;
  return { Machine, variables: variables().split("\n") };
}
