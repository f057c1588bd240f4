/** A reply in pieces, for whoever iterates over it. */

import type { Reply, ReplyStream } from "./types.js";

/** The pieces as they come in. Those that nobody has asked for yet are kept. */
export class Pieces implements ReplyStream {
  readonly reply: Promise<Reply>;
  #pieces: string[] = [];
  #ended = false;
  #wake = () => {};

  /** `begin` is given what takes the pieces, and gives the whole. */
  constructor(begin: (piece: (text: string) => void) => Promise<Reply>) {
    let any = false;
    this.reply = begin((text) => {
      any = true;
      this.#push(text);
    });
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    this.reply.then(({ response }) => {
      // A server that doesn't stream, or that has answered before, says it all at once.
      if (!any) this.#push(response);
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
  }

  #push(text: string): void {
    this.#pieces.push(text);
    this.#wake();
  }
}
