/** What the package's own entry points may use of a client, beside what everybody may. */

import type { Credentials } from "./credentials.js";

export const LINK: unique symbol = Symbol.for("chatkeep.link") as never;

export interface Link {
  /** Where the server is, without a slash at the end; empty for the page's own origin. */
  readonly url: string;
  readonly credentials: (refused: boolean) => Promise<Credentials>;
  /** Has the client hear news, as another tab tells them. */
  hear(news: string): void;
}

export interface Linked {
  [LINK](): Promise<Link>;
}
