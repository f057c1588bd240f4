// Times in words: when something happened, until when a session is kept. Pure; `now` is an argument.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "just now", "5 min ago", "3 h ago", "yesterday", "12 Nov". */
export function ago(iso: string, now: number, locale?: string): string {
  const then = Date.parse(iso);
  if (Number.isNaN(then)) return "";
  const passed = now - then;
  if (passed < MINUTE) return "just now";
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min ago`;
  const days = calendarDays(then, now);
  if (days === 0 || passed < 6 * HOUR) return `${Math.floor(passed / HOUR)} h ago`;
  if (days === 1) return "yesterday";
  if (days < 7) return `${days} days ago`;
  return date(then, now, locale);
}

/** What is left: "7 days left", "5 hours left", "12 minutes left", "less than a minute left", "expired". */
export function left(iso: string, now: number): string {
  const rest = Date.parse(iso) - now;
  if (Number.isNaN(rest)) return "";
  if (rest <= 0) return "expired";
  if (rest < MINUTE) return "less than a minute left";
  const minutes = Math.round(rest / MINUTE);
  if (minutes < 60) return `${count(minutes, "minute")} left`;
  const hours = Math.round(rest / HOUR);
  if (hours < 36) return `${count(hours, "hour")} left`;
  return `${count(Math.round(rest / DAY), "day")} left`;
}

/** "28 Nov, 09:30"; with the year when it isn't this one. */
export function moment(iso: string, now: number, locale?: string): string {
  const then = Date.parse(iso);
  if (Number.isNaN(then)) return "";
  return `${date(then, now, locale)}, ${clock(then, locale)}`;
}

/** "09:30" today, "28 Nov, 09:30" otherwise. */
export function stamp(iso: string, now: number, locale?: string): string {
  const then = Date.parse(iso);
  if (Number.isNaN(then)) return "";
  return calendarDays(then, now) === 0 ? clock(then, locale) : moment(iso, now, locale);
}

/** "1 message", "4 messages". */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

function clock(at: number, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" }).format(at);
}

function date(at: number, now: number, locale?: string): string {
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  const year = sameYear ? undefined : "numeric";
  return new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year }).format(at);
}

/** Midnights between the two, in the reader's time zone. Noon avoids the hour that summer time moves. */
function calendarDays(then: number, now: number): number {
  const noon = (at: number) => new Date(at).setHours(12, 0, 0, 0);
  return Math.round((noon(now) - noon(then)) / DAY);
}
