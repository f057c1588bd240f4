// A chart: bars or a line over evenly spaced points, drawn as SVG, with its figures as a table for whoever asks.

export interface Point {
  readonly label: string;
  /** Nothing where nothing is known. */
  readonly value: number | undefined;
}

interface Props {
  readonly title: string;
  readonly points: readonly Point[];
  readonly kind: "bars" | "line";
  readonly unit?: string;
  /** Said below the chart. */
  readonly note?: string;
}

const WIDTH = 320;
const HEIGHT = 120;
const FOOT = 16;

export function Chart({ title, points, kind, unit = "", note }: Props) {
  const known = points.flatMap(({ value }) => (value === undefined ? [] : [value]));
  const most = Math.max(1, ...known);
  const step = WIDTH / Math.max(1, points.length);
  const y = (value: number) => HEIGHT - (value / most) * (HEIGHT - 12);
  const latest = known.at(-1);
  const said = known.length ? `most ${shown(most, known)}${unit}, last ${round(latest)}${unit}` : "nothing yet";

  return (
    <figure className="chart">
      <figcaption>
        <span>{title}</span>
        <span className="chart-said">{said}</span>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT + FOOT}`} role="img" preserveAspectRatio="none">
        <title>{`${title}: ${said}`}</title>
        <line className="chart-axis" x1="0" x2={WIDTH} y1={HEIGHT} y2={HEIGHT} />
        {kind === "bars"
          ? points.map(({ label, value = 0 }, at) => (
              <rect
                key={label}
                className="chart-bar"
                x={at * step + step * 0.1}
                width={step * 0.8}
                y={y(value)}
                height={HEIGHT - y(value)}
              >
                <title>{`${label}: ${round(value)}${unit}`}</title>
              </rect>
            ))
          : lines(points).map((run) => (
              <polyline
                key={run[0]?.at}
                className="chart-line"
                points={run.map(({ at, value }) => `${(at + 0.5) * step},${y(value)}`).join(" ")}
              />
            ))}
      </svg>
      <p className="chart-ends" aria-hidden="true">
        <span>{points[0]?.label}</span>
        <span>{points.at(-1)?.label}</span>
      </p>
      {note && <p className="chart-note">{note}</p>}
      <details>
        <summary>Figures</summary>
        <div className="chart-figures">
          <table>
            <tbody>
              {points
                .filter(({ value }) => value !== undefined)
                .map(({ label, value }) => (
                  <tr key={label}>
                    <th scope="row">{label}</th>
                    <td>
                      {round(value)}
                      {unit}
                    </td>
                  </tr>
                ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

/** The points that are known, in runs without gaps; a single point is as long as a dot. */
function lines(points: readonly Point[]) {
  const runs: { at: number; value: number }[][] = [];
  let run: { at: number; value: number }[] = [];
  for (const [at, { value }] of points.entries()) {
    if (value === undefined) {
      run = [];
      continue;
    }
    if (run.length === 0) runs.push(run);
    run.push({ at, value });
  }
  return runs.map((one) => (one.length === 1 && one[0] ? [one[0], { ...one[0], at: one[0].at + 0.2 }] : one));
}

const round = (value = 0) => (value >= 10 || Number.isInteger(value) ? `${Math.round(value)}` : value.toFixed(1));
const shown = (most: number, known: readonly number[]) => round(Math.max(...known, 0) || (known.length ? 0 : most));
