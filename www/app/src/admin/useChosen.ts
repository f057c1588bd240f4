// Which sessions of the table are chosen, by click, key or range.
import { useCallback, useMemo, useRef, useState } from "react";
import type { Session } from "./api";

export interface Chosen {
  /** In the table's order. */
  readonly sessions: readonly Session[];
  has(session: Session): boolean;
  /** Chooses one or lets it go; with `through`, all from the last one that was touched to it. */
  toggle(session: Session, through: boolean): void;
  /** Chooses all that are shown, or none. */
  all(on: boolean): void;
}

/** What tells a session from every other. */
export const keyOf = (session: Session): string => `${session.owner} ${session.session_id}`;

export function useChosen(shown: readonly Session[]): Chosen {
  const [keys, setKeys] = useState<ReadonlySet<string>>(new Set());
  const last = useRef<string>(undefined);

  const toggle = useCallback(
    (session: Session, through: boolean) => {
      const [to, from] = [keyOf(session), last.current].map((key) => shown.findIndex((other) => keyOf(other) === key));
      last.current = keyOf(session);
      setKeys((earlier) => {
        const on = !earlier.has(keyOf(session));
        const begin = through && from !== undefined && from >= 0 ? from : (to ?? 0);
        const touched = shown.slice(Math.min(begin, to ?? 0), Math.max(begin, to ?? 0) + 1).map(keyOf);
        const next = new Set(earlier);
        for (const key of touched) on ? next.add(key) : next.delete(key);
        return next;
      });
    },
    [shown],
  );
  const all = useCallback((on: boolean) => setKeys(new Set(on ? shown.map(keyOf) : [])), [shown]);
  // What is no longer shown can't be meant.
  const sessions = useMemo(() => shown.filter((session) => keys.has(keyOf(session))), [shown, keys]);
  return { sessions, has: (session) => keys.has(keyOf(session)), toggle, all };
}
