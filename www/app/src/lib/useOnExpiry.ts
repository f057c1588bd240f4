// Does something when a session's time has run out. Only once for each expiry: the server says what is left then,
// whatever this clock thinks.
import type { Session } from "chatkeep";
import { useEffect, useEffectEvent, useRef } from "react";

export function useOnExpiry(sessions: readonly Session[], now: number, act: () => void): void {
  const seen = useRef<ReadonlySet<string>>(new Set());
  const run = useEffectEvent(act);

  useEffect(() => {
    const expired = sessions
      .filter((session) => Date.parse(session.expiresAt) <= now)
      .map((session) => `${session.id} ${session.expiresAt}`);
    const fresh = expired.some((key) => !seen.current.has(key));
    seen.current = new Set(expired);
    if (fresh) run();
  }, [sessions, now]);
}
