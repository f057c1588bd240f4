/** Where the WebAssembly module is: beside this one. */

import { type Load, load } from "./wasm.js";

/** The module's client class; the module is found by itself. */
export const loadFromHere: Load = (source) =>
  // Bundlers know this expression, copy the file and put its place here.
  load(source ?? new URL("../wasm/chatkeep_sdk_bg.wasm", import.meta.url));
