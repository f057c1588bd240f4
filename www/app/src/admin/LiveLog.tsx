// The deployment's log as it is written, while somebody looks.
import { useEffect, useState } from "react";
import type { AdminApi } from "./api";
import { clock } from "./units";

const KEPT = 100;

interface Line {
  readonly key: string;
  readonly text: string;
}

export function LiveLog({ api }: { readonly api: AdminApi }) {
  const [follows, setFollows] = useState(false);
  const [lines, setLines] = useState<readonly Line[]>([]);

  useEffect(() => {
    if (!follows) return;
    const gone = new AbortController();
    const follow = async () => {
      const known = new Set<string>();
      while (!gone.signal.aborted) {
        try {
          for await (const event of api.events(gone.signal)) {
            const key = JSON.stringify(event);
            if (known.has(key)) continue;
            known.add(key);
            setLines((earlier) => [{ key, text: inShort(event) }, ...earlier].slice(0, KEPT));
          }
        } catch {
          await new Promise((resume) => setTimeout(resume, 2000));
        }
      }
    };
    follow();
    return () => gone.abort();
  }, [api, follows]);

  return (
    <section className="live" aria-labelledby="live-title">
      <h2 id="live-title">Log</h2>
      <button type="button" className="button small" aria-pressed={follows} onClick={() => setFollows(!follows)}>
        {follows ? "Stop" : "Follow"}
      </button>
      {/* Not a live region: a busy server would never stop talking. */}
      <ol className="live-lines" aria-label="The newest lines of the log">
        {lines.map(({ key, text }) => (
          <li key={key}>{text}</li>
        ))}
      </ol>
    </section>
  );
}

function inShort(event: Record<string, unknown>): string {
  const words = [event.event_type, event.status, event.route, event.session_id, event.code, event.detail];
  const took = typeof event.duration_ms === "number" ? `${event.duration_ms} ms` : "";
  return [clock(String(event.timestamp)), ...words, took].filter(Boolean).join("  ");
}
