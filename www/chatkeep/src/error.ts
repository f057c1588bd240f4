/** The one error that the SDK throws. */

import type { Problem } from "./types.js";

/** What a promise of the SDK rejects with. Tell cases apart by `code`. */
export class ChatkeepError extends Error {
  override readonly name = "ChatkeepError";
  /** Stable; the server's codes are in the protocol, the browser's own at {@link Problem.code}. */
  readonly code: string;
  /** The HTTP status; 0 when no answer came. */
  readonly status: number;
  /** The same, tried again later, can succeed. */
  readonly retryable: boolean;

  constructor(problem: Problem, options?: ErrorOptions) {
    super(problem.detail ?? problem.code, options);
    this.code = problem.code;
    this.status = problem.status;
    this.retryable = problem.retryable;
  }
}
