// Keeps a scrolling log at its newest entry, unless the reader has scrolled up.
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

const NEAR_PX = 64;

interface Entries {
  /** Id of the oldest entry shown: another one means that older ones were put before it. */
  readonly first: string | undefined;
  readonly last: string | undefined;
  /** The newest entry is the reader's own: show it wherever they were. */
  readonly lastIsOwn: boolean;
}

export interface Stick {
  readonly atEnd: boolean;
  readonly toEnd: () => void;
}

export function useStickToEnd(box: RefObject<HTMLElement | null>, entries: Entries): Stick {
  const [atEnd, setAtEnd] = useState(true);
  const stuck = useRef(true);
  const before = useRef<{ entries: Entries; height: number }>(undefined);

  const look = useCallback(() => {
    const el = box.current;
    if (!el) return;
    stuck.current = el.scrollHeight - el.scrollTop - el.clientHeight < NEAR_PX;
    setAtEnd(stuck.current);
  }, [box]);

  const toEnd = useCallback(() => {
    const el = box.current;
    if (el) el.scrollTop = el.scrollHeight;
    look();
  }, [box, look]);

  useEffect(() => {
    const el = box.current;
    if (!el) return;
    el.addEventListener("scroll", look, { passive: true });
    // The box or its content changed its size (a keyboard opened, a line wrapped): stay at the end.
    const observer = new ResizeObserver(() => {
      if (before.current) before.current.height = el.scrollHeight;
      if (stuck.current) toEnd();
      else look();
    });
    observer.observe(el);
    for (const child of el.children) observer.observe(child);
    return () => {
      el.removeEventListener("scroll", look);
      observer.disconnect();
    };
  }, [box, look, toEnd]);

  const { first, last, lastIsOwn } = entries;
  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    const was = before.current;
    const height = el.scrollHeight;
    before.current = { entries: { first, last, lastIsOwn }, height };
    const prepended = was !== undefined && was.entries.last === last && was.entries.first !== first;
    const replaced = was !== undefined && was.entries.last !== last && was.entries.first !== first;
    if (prepended) {
      el.scrollTop += height - was.height;
    } else if (replaced || stuck.current || (lastIsOwn && was?.entries.last !== last)) {
      toEnd();
    }
  }, [box, first, last, lastIsOwn, toEnd]);

  return { atEnd, toEnd };
}
