// The figures, asked for now and then; and of the store's health what was seen while this page was open.
import { useCallback, useEffect, useState } from "react";
import { type AdminApi, type Health, Refused, type Stats } from "./api";

/** What was seen of the health at a moment. */
export interface Sample {
  readonly at: number;
  readonly latency: number | undefined;
  readonly depth: number;
}

export interface FiguresView {
  readonly stats: Stats | undefined;
  readonly health: Health | undefined;
  readonly samples: readonly Sample[];
  /** Why the server lets nobody in, or not with this key. */
  readonly refused: Refused | undefined;
  readonly failed: string | undefined;
  readonly refresh: () => void;
}

const FIGURES_EVERY = 30_000;
const HEALTH_EVERY = 5_000;
const SAMPLES = 60;

export function useFigures(api: AdminApi): FiguresView {
  const [stats, setStats] = useState<Stats>();
  const [refused, setRefused] = useState<Refused>();
  const [failed, setFailed] = useState<string>();
  const [health, setHealth] = useState<Health>();
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  const [asked, setAsked] = useState(0);
  const refresh = useCallback(() => setAsked((count) => count + 1), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a refresh asks anew
  useEffect(() => {
    const gone = new AbortController();
    const ask = async () => {
      try {
        setStats(await api.stats(gone.signal));
        setRefused(undefined);
        setFailed(undefined);
      } catch (error) {
        if (gone.signal.aborted) return;
        if (error instanceof Refused && (error.status === 401 || error.status === 403)) setRefused(error);
        else setFailed(`The figures can’t be read: ${error instanceof Error ? error.message : error}`);
      }
    };
    ask();
    const timer = setInterval(ask, FIGURES_EVERY);
    return () => {
      gone.abort();
      clearInterval(timer);
    };
  }, [api, asked]);

  useEffect(() => {
    const gone = new AbortController();
    const ask = async () => {
      try {
        const seen = await api.health(gone.signal);
        setHealth(seen);
        const sample = { at: Date.now(), latency: seen.latency_ms, depth: seen.journal_depth ?? 0 };
        setSamples((earlier) => [...earlier, sample].slice(-SAMPLES));
      } catch {
        // The figures say that the server can't be reached.
      }
    };
    ask();
    const timer = setInterval(ask, HEALTH_EVERY);
    return () => {
      gone.abort();
      clearInterval(timer);
    };
  }, [api]);

  return { stats, health, samples, refused, failed, refresh };
}
