/** Snapshots: frozen, and what hasn't changed keeps its identity from one to the next. */

import type { Snapshot } from "./types.js";

/** What there is to show before anything is known, and on a server. */
export const EMPTY: Snapshot = Object.freeze({
  ready: false,
  online: true,
  degraded: false,
  sessionId: null,
  session: null,
  incognito: false,
  messages: Object.freeze([]),
  sending: false,
  loading: false,
  hasOlder: false,
  sessions: Object.freeze([]),
  sessionCount: 0,
  hasMoreSessions: false,
  search: "",
  problem: null,
});

/** The snapshot of a view's JSON; the one before when they say the same. */
export function advance(before: Snapshot, json: string): Snapshot {
  const { revision: _, ...view } = JSON.parse(json) as Snapshot & { revision: number };
  return share(before, view);
}

type Fields = Record<string, unknown>;

/** `now`, with every part that equals its counterpart in `before` replaced by that; the rest frozen. */
export function share<T>(before: unknown, now: T): T {
  if (typeof now !== "object" || now === null) return now;
  const parts = Array.isArray(now) ? shareItems(before, now) : shareFields(before, now as Fields);
  return parts as T;
}

function shareItems(before: unknown, now: readonly unknown[]): readonly unknown[] {
  const old: readonly unknown[] = Array.isArray(before) ? before : [];
  // Messages and sessions are found again wherever they have moved to.
  const byId = new Map(old.map((item, at) => [idOf(item) ?? at, item]));
  const items = now.map((item, at) => share(byId.get(idOf(item) ?? at), item));
  const same = before === old && items.length === old.length && items.every((item, at) => item === old[at]);
  return same ? old : Object.freeze(items);
}

function shareFields(before: unknown, now: Fields): Fields {
  const old = typeof before === "object" && before !== null && !Array.isArray(before) ? (before as Fields) : undefined;
  const keys = Object.keys(now);
  const fields = Object.fromEntries(keys.map((key) => [key, share(old?.[key], now[key])]));
  const same = old && Object.keys(old).length === keys.length && keys.every((key) => fields[key] === old[key]);
  return same ? old : Object.freeze(fields);
}

function idOf(item: unknown): unknown {
  return typeof item === "object" && item !== null && "id" in item ? item.id : undefined;
}
