/** A reply in pieces, for whoever iterates over it. */

import { ChatkeepError } from "./error.js";
import type { Problem, Reply, ReplyStream } from "./types.js";

/** The server asked the model again after an interruption, and the new reply begins with other words. */
const CHANGED: Problem = {
  code: "reply_changed",
  status: 0,
  retryable: false,
  detail: "the reply was generated anew and differs from its first pieces: use `reply`",
};

/** The pieces as they come in. Those that nobody has asked for yet are kept. */
export class Pieces implements ReplyStream {
  readonly reply: Promise<Reply>;
  #pieces: string[] = [];
  #ended = false;
  #wake = () => {};
  #changed: ChatkeepError | undefined;

  /** `begin` is given what takes the pieces, and gives the whole. */
  constructor(begin: (piece: (text: string) => void) => Promise<Reply>) {
    let said = "";
    this.reply = begin((text) => {
      said += text;
      this.#push(text);
    });
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    this.reply.then(({ response }) => {
      // A server that doesn't stream, or that has answered before, says the rest at once.
      if (!response.startsWith(said)) this.#changed = new ChatkeepError(CHANGED);
      else if (response.length > said.length) this.#push(response.slice(said.length));
      end();
    }, end);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<string> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) yield piece;
      else if (this.#ended) break;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
    await this.reply;
    if (this.#changed) throw this.#changed;
  }

  #push(text: string): void {
    this.#pieces.push(text);
    this.#wake();
  }
}
