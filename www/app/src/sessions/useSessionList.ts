// Loads the session list, and again whenever it may have gone stale: on return to the page, when a session expires, and
// after a failure.
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
  /** Shows only what has this in its title; the server is asked once the typing rests. */
  readonly search: (text: string) => void;
  readonly more: () => void;
}

const TYPING_RESTS_MS = 200;

/** The pauses before a list that couldn't be loaded is asked for again: each twice as long, up to the longest. */
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 30_000;

export function useSessionList(client: Chatkeep, sessions: readonly Session[], now: number): SessionListControl {
  const [state, setState] = useState<ListState>({ is: "loading" });
  const newest = useRef(0);
  const typing = useRef<ReturnType<typeof setTimeout>>(undefined);

  const load = useCallback(
    (options?: { more?: boolean; search?: string }) => {
      const call = ++newest.current;
      const settle = (next: ListState) => {
        if (call === newest.current) setState(next);
      };
      client.sessions(options).then(
        () => settle({ is: "ready" }),
        (error: unknown) => settle({ is: "failed", problem: toProblem(error) }),
      );
    },
    [client],
  );

  const refresh = useCallback(() => {
    setState({ is: "loading" });
    load();
  }, [load]);
  const more = useCallback(() => load({ more: true }), [load]);
  const search = useCallback(
    (text: string) => {
      clearTimeout(typing.current);
      typing.current = setTimeout(() => load({ search: text.trim() }), text === "" ? 0 : TYPING_RESTS_MS);
    },
    [load],
  );

  useEffect(() => {
    load();
    const returned = () => {
      if (document.visibilityState === "visible") load();
    };
    const online = () => load();
    document.addEventListener("visibilitychange", returned);
    addEventListener("online", online);
    return () => {
      document.removeEventListener("visibilitychange", returned);
      removeEventListener("online", online);
      clearTimeout(typing.current);
    };
  }, [load]);

  // What couldn't be loaded is asked for again until it can be, so that nobody has to.
  const failures = useRef(0);
  useEffect(() => {
    if (state.is === "ready") failures.current = 0;
    if (state.is !== "failed" || !state.problem.retryable) return;
    const timer = setTimeout(load, Math.min(FIRST_PAUSE_MS * 2 ** failures.current++, LONGEST_PAUSE_MS));
    return () => clearTimeout(timer);
  }, [state, load]);

  useOnExpiry(sessions, now, load);

  return { state, refresh, search, more };
}
