/** Who is asking: what the program gives, or a visitor's token that is fetched when the server wants one. */

import type { ChatkeepOptions, KeyValueStorage } from "./types.js";
import { CLIENT, type VisitorBody } from "./wire.js";

/** Name and value of the header to show. */
export type Credentials = [name: string, value: string] | undefined;

/** What is kept of a visitor. */
type Visitor = Required<Pick<VisitorBody, "token" | "expires_at">>;

/** How long before its end a token is renewed. */
const EARLY_MS = 86_400_000;

/** Gives the header to show the next request's sender by. */
export function credentials(
  auth: ChatkeepOptions["auth"],
  url: string,
  storage: KeyValueStorage | null,
  key: string,
): (refused: boolean) => Promise<Credentials> {
  if (auth !== undefined) {
    return async (refused) => {
      const given = typeof auth === "function" ? await auth(refused) : auth;
      if (!given) return undefined;
      return typeof given === "string" ? ["authorization", `Bearer ${given}`] : ["x-api-key", given.apiKey];
    };
  }
  let visitor = read(storage, key);
  return async (refused) => {
    const left = visitor ? Date.parse(visitor.expires_at) - Date.now() : Number.POSITIVE_INFINITY;
    // Without a token the server is asked without one: it may not want any.
    if (refused || left < EARLY_MS) {
      const before = visitor;
      // One tab at a time, so that all of them are the same visitor.
      visitor = await alone(`${key}:visitor`, async () => {
        const other = read(storage, key);
        if (other && other.token !== before?.token) return other;
        const given = await fetchVisitor(url, left > 0 ? before : undefined).catch(() => before);
        // Before the next tab looks.
        if (given && given !== before) keep(storage, key, given);
        return given;
      });
    }
    return visitor && ["authorization", `Bearer ${visitor.token}`];
  };
}

/** A token for a new visitor, or another one for the same. */
async function fetchVisitor(url: string, before: Visitor | undefined): Promise<Visitor | undefined> {
  const headers = before ? { ...CLIENT, authorization: `Bearer ${before.token}` } : CLIENT;
  const answer = await fetch(`${url}/v1/visitors`, { method: "POST", headers });
  // One that is not good any more is not good for another either.
  if (answer.status === 401 && before) return fetchVisitor(url, undefined);
  const given = answer.ok && ((await answer.json()) as VisitorBody);
  // A server that is open to everybody on its own machine gives none.
  return given ? (given.token ? (given as Visitor) : undefined) : before;
}

/** The token of the visitor that this browser was. */
export const visitorToken = (storage: KeyValueStorage | null, key: string): string | undefined =>
  read(storage, key)?.token;

/** Forgets that visitor, whose sessions are a user's now. */
export function forgetVisitor(storage: KeyValueStorage | null, key: string): void {
  try {
    storage?.removeItem(`${key}:visitor`);
  } catch {
    // Forbidden: there is nothing either.
  }
}

function read(storage: KeyValueStorage | null, key: string): Visitor | undefined {
  try {
    const kept = JSON.parse(storage?.getItem(`${key}:visitor`) ?? "null");
    return typeof kept?.token === "string" ? kept : undefined;
  } catch {
    return undefined;
  }
}

function keep(storage: KeyValueStorage | null, key: string, visitor: Visitor): void {
  try {
    storage?.setItem(`${key}:visitor`, JSON.stringify(visitor));
  } catch {
    // Full or forbidden: the visitor lasts as long as the page.
  }
}

/** What one tab writes, another sees a moment later, and a lock may pass from the one to the other before that. */
const SETTLE_MS = 250;

/** Does something while no other tab does the same. */
function alone<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (!globalThis.navigator?.locks) return work();
  return new Promise((resolve, reject) => {
    const held = async () => {
      await work().then(resolve, reject);
      await new Promise((settled) => setTimeout(settled, SETTLE_MS));
    };
    navigator.locks.request(name, held).catch(reject);
  });
}
