// Above the oldest message shown: brings the page before it.
import type { Problem } from "chatkeep";
import { useState } from "react";
import { inWords, toProblem } from "../lib/problems";

interface Props {
  readonly onLoad: () => Promise<unknown>;
}

export function OlderMessages({ onLoad }: Props) {
  const [loading, setLoading] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);

  const load = async () => {
    if (loading) return;
    setLoading(true);
    setProblem(null);
    try {
      await onLoad();
    } catch (error) {
      setProblem(toProblem(error));
    } finally {
      setLoading(false);
    }
  };

  return (
    <div className="older">
      <button type="button" className="button small" aria-disabled={loading} onClick={() => void load()}>
        {loading ? "Loading…" : "Load older messages"}
      </button>
      {problem && <p role="alert">{inWords(problem)}</p>}
    </div>
  );
}
