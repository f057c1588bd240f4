/** What is used of the npm package `redis`, in versions 4 to 6. */

export interface Client {
  readonly isReady: boolean;
  connect(): Promise<unknown>;
  sendCommand(words: string[]): Promise<unknown>;
  on(event: "error", listener: () => void): unknown;
  /** Ends it at once: version 5 and later. */
  destroy?(): void;
  /** The same: version 4. */
  disconnect?(): Promise<void>;
}

export function createClient(options: object): Client;

export const ErrorReply: new (...args: never[]) => Error;
