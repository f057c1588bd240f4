// Notices when the open chat is deleted by somebody else: another tab, another device, a program with the same key.
import { useCallback, useEffect, useRef } from "react";

/** Calls `onDeleted` when the open chat goes without the returned function having been called before. */
export function useDeletedElsewhere(sessionId: string | null, onDeleted: (sessionId: string) => void): () => void {
  const open = useRef(sessionId);
  const leaving = useRef(false);
  const expectLeave = useCallback(() => {
    leaving.current = true;
  }, []);

  useEffect(() => {
    const before = open.current;
    if (before === sessionId) return;
    open.current = sessionId;
    if (before !== null && sessionId === null && !leaving.current) onDeleted(before);
    leaving.current = false;
  }, [sessionId, onDeleted]);

  return expectLeave;
}
