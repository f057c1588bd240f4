// Counts as tiles, and the charts.
import type { Minute, Stats } from "./api";
import { Chart, type Point } from "./Chart";
import { bytes, clock, duration, number } from "./units";
import type { FiguresView } from "./useFigures";

const MINUTE = 60_000;
const MINUTES = 60;

export function Figures({ figures }: { readonly figures: FiguresView }) {
  const { stats, health, samples } = figures;
  if (!stats) return <p className="admin-waiting">Counting…</p>;
  const activity = everyMinute(stats.activity ?? []);
  const of = (value: (minute: Minute) => number | undefined): Point[] =>
    activity.map((minute) => ({ label: clock(minute.at), value: value(minute) }));
  const sampled = (value: (sample: (typeof samples)[number]) => number | undefined): Point[] =>
    samples.map((sample) => ({ label: new Date(sample.at).toLocaleTimeString(), value: value(sample) }));

  return (
    <>
      <section aria-label="Counts">
        <dl className="tiles">
          <Tile name="Sessions" value={number(stats.sessions)} />
          <Tile name="Messages" value={number(stats.messages)} />
          <Tile name="Owners" value={number(stats.owners)} />
          <Tile name="Messages’ size" value={bytes(stats.bytes)} />
          <Tile
            name="Ending soon"
            value={number(stats.expiring_soon)}
            note={`within ${duration(stats.soon_seconds)}`}
          />
          <Tile
            name="Store"
            value={health ? (health.status === "healthy" ? "Healthy" : "Degraded") : "…"}
            note={[stats.store, health?.cause, health?.breaker && `breaker ${health.breaker}`]
              .filter(Boolean)
              .join(", ")}
          />
          {stats.redis && <RedisTiles redis={stats.redis} />}
        </dl>
      </section>
      <section className="charts" aria-label="Charts">
        <Chart title="Requests a minute" kind="bars" points={of((minute) => minute.requests)} />
        <Chart title="Turns a minute" kind="bars" points={of((minute) => minute.turns)} />
        <Chart title="Failures a minute" kind="bars" points={of((minute) => minute.failures)} />
        <Chart title="Sessions by the time they have left" kind="bars" points={byTimeLeft(stats)} />
        <Chart
          title="Store latency, mean of a minute"
          kind="line"
          unit=" ms"
          points={of((minute) => (minute.store_calls ? minute.store_ms / minute.store_calls : undefined))}
        />
        <Chart
          title="Store latency now"
          kind="line"
          unit=" ms"
          points={sampled((sample) => sample.latency)}
          note="Seen since this page was opened."
        />
        <Chart
          title="Journal depth"
          kind="line"
          points={sampled((sample) => sample.depth)}
          note="Entries that wait for Redis, of the journals that this part of the deployment knows."
        />
      </section>
    </>
  );
}

function Tile({ name, value, note }: { readonly name: string; readonly value: string; readonly note?: string }) {
  return (
    <div className="tile">
      <dt>{name}</dt>
      <dd>
        <strong>{value}</strong>
        {note && <span>{note}</span>}
      </dd>
    </div>
  );
}

function RedisTiles({ redis }: { readonly redis: NonNullable<Stats["redis"]> }) {
  const asked = (redis.hits ?? 0) + (redis.misses ?? 0);
  const limit = redis.memory_limit_bytes ? `of ${bytes(redis.memory_limit_bytes)}` : "no limit";
  return (
    <>
      {redis.memory_bytes !== undefined && (
        <Tile name="Redis memory" value={bytes(redis.memory_bytes)} note={`${limit}, ${redis.eviction_policy ?? ""}`} />
      )}
      {asked > 0 && (
        <Tile
          name="Redis hits"
          value={`${Math.round(((redis.hits ?? 0) / asked) * 100)} %`}
          note={`${number(redis.evicted_keys ?? 0)} keys evicted`}
        />
      )}
    </>
  );
}

/** The last minutes, with those in which nothing happened. */
function everyMinute(activity: readonly Minute[]): Minute[] {
  const known = new Map(activity.map((minute) => [Date.parse(minute.at), minute]));
  const now = Math.floor(Date.now() / MINUTE) * MINUTE;
  return Array.from({ length: MINUTES }, (_, at) => {
    const moment = now - (MINUTES - 1 - at) * MINUTE;
    const quiet = { requests: 0, failures: 0, turns: 0, store_calls: 0, store_ms: 0 };
    return { ...quiet, ...known.get(moment), at: new Date(moment).toISOString() };
  });
}

function byTimeLeft({ ttl_left, ttl_seconds }: Stats): Point[] {
  return ttl_left.map((value, at) => ({ label: `< ${duration((ttl_seconds * (at + 1)) / ttl_left.length)}`, value }));
}
