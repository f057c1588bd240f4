/** What differs between Node and the edge. */

import type { Connection, Transport } from "./transport.js";
import type { StoreOptions } from "./types.js";

export interface Platform {
  /** The WebAssembly module, or its bytes. */
  module(): Promise<WebAssembly.Module | BufferSource>;
  /** A way to a Redis over TCP, where there is one. */
  tcp?(at: Connection, options: StoreOptions, caFile: unknown): Promise<Transport>;
  /** Work goes on between calls: there are timers that outlive a request. */
  readonly background: boolean;
}
