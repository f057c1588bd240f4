// Loads the session list, and again whenever it may have gone stale: on return to the page and when a session expires.
import type { Chatkeep, Problem, Session } from "chatkeep";
import { useCallback, useEffect, useRef, useState } from "react";
import { toProblem } from "../lib/problems";
import { useOnExpiry } from "../lib/useOnExpiry";

export type ListState =
  | { readonly is: "loading" }
  | { readonly is: "ready" }
  | { readonly is: "failed"; readonly problem: Problem };

export interface SessionListControl {
  readonly state: ListState;
  readonly refresh: () => void;
}

export function useSessionList(client: Chatkeep, sessions: readonly Session[], now: number): SessionListControl {
  const [state, setState] = useState<ListState>({ is: "loading" });
  const newest = useRef(0);

  const refresh = useCallback(() => {
    const call = ++newest.current;
    const settle = (next: ListState) => {
      if (call === newest.current) setState(next);
    };
    client.sessions().then(
      () => settle({ is: "ready" }),
      (error: unknown) => settle({ is: "failed", problem: toProblem(error) }),
    );
  }, [client]);

  const retry = useCallback(() => {
    setState({ is: "loading" });
    refresh();
  }, [refresh]);

  useEffect(() => {
    refresh();
    const returned = () => {
      if (document.visibilityState === "visible") refresh();
    };
    document.addEventListener("visibilitychange", returned);
    addEventListener("online", refresh);
    return () => {
      document.removeEventListener("visibilitychange", returned);
      removeEventListener("online", refresh);
    };
  }, [refresh]);

  useOnExpiry(sessions, now, refresh);

  return { state, refresh: retry };
}
