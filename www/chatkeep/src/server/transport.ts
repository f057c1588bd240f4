/** What carries calls to a Redis and their answers back. */

/** What came of a call: an answer in the form of the REST API, or none, perhaps for want of time. */
export type Carried = { status: number; text: string } | { lost: "network" | "timeout" };

/** A way to a Redis. */
export interface Transport {
  /** Sends a call, a JSON array of strings, and waits for its answer so long. Never rejects. */
  send(call: string, milliseconds: number): Promise<Carried>;
  close(): Promise<void>;
}

/** Where a store's Redis is. */
export interface Connection {
  readonly url?: string;
  readonly token?: string;
  readonly host?: string;
  readonly port?: number;
  readonly tls?: boolean;
  readonly username?: string | null;
  readonly password?: string | null;
  readonly db?: number | null;
}

/**
 * Calls back after a while, unless stopped. An event loop that was held up fires its timers before it looks what has
 * arrived; so the end of the time is one more round away.
 */
export function deadline(milliseconds: number, ended: () => void): () => void {
  let timer = setTimeout(() => {
    timer = setTimeout(ended, 0);
  }, milliseconds);
  return () => clearTimeout(timer);
}
