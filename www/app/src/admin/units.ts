// Numbers, bytes and times in words.

export const number = (value: number) => new Intl.NumberFormat().format(value);

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let unit = 0;
  let shown = value;
  for (; shown >= 1000 && unit < units.length - 1; unit++) shown /= 1000;
  return `${unit > 0 && shown < 10 ? shown.toFixed(1) : Math.round(shown)} ${units[unit]}`;
}

export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

export const clock = (at: string | number) =>
  new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" }).format(new Date(at));
