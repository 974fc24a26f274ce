/**
 * Times as people write and read them: RFC 3339 or "24h" in, "2026-11-23T12:15:00Z" and "in 15 minutes" out.
 *
 * Pure: the present is a parameter. Everything is UTC; instants are epoch milliseconds.
 */

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;

const UNITS_MS: Readonly<Record<string, number>> = { s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS, w: WEEK_MS };

/** "24h", "7d": at most five digits, which is 1,900 years of weeks. */
const AGO = /^(\d{1,5})([smhdw])$/;

/** RFC 3339 5.6 date-time, or a full-date alone for its midnight. */
const RFC_3339 = /^(\d{4}-\d{2}-\d{2})(?:[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2}))?$/;

/** From here on up words are given in hours, days: "in 47 hours" says more than "in 1 day". */
const DAYS_FROM_MS = 2 * DAY_MS;

/** A point in time as it was written: fixed, or so long before the present. */
export type Instant = { readonly kind: "at"; readonly at: number } | { readonly kind: "ago"; readonly ms: number };

/** Reads RFC 3339 ("2026-11-23T12:00:00Z", "2026-11-23") or an age ("90m", "24h", "7d"); null where it is neither. */
export function parseInstant(text: string): Instant | null {
  const ago = AGO.exec(text);
  const unitMs = UNITS_MS[ago?.[2] ?? ""];
  if (ago !== null && unitMs !== undefined) return { kind: "ago", ms: Number(ago[1]) * unitMs };
  const date = RFC_3339.exec(text)?.[1];
  if (date === undefined || !isCalendarDate(date)) return null;
  const at = Date.parse(text.toUpperCase());
  return Number.isNaN(at) ? null : { kind: "at", at };
}

/** The instant in the form that the API takes. */
export function resolveInstant(instant: Instant, now: number): string {
  return new Date(instant.kind === "at" ? instant.at : now - instant.ms).toISOString();
}

/** An API time for people: RFC 3339 in UTC, to the second. What cannot be read as a time is given as it came. */
export function absolute(time: string): string {
  const at = Date.parse(time);
  return Number.isNaN(at) ? time : new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
}

/** "in 15 minutes", "3 days ago", "now": rounded to what matters to somebody who waits. */
export function relative(time: string, now: number): string {
  const distanceMs = Date.parse(time) - now;
  if (Number.isNaN(distanceMs)) return "at an unknown time";
  const words = span(Math.abs(distanceMs));
  if (words === null) return "now";
  return distanceMs > 0 ? `in ${words}` : `${words} ago`;
}

/** The same of what has happened: where that seems to lie ahead, it was after we had looked at the clock, or by another. */
export function ago(time: string, now: number): string {
  const words = relative(time, Math.max(now, Date.parse(time)));
  return words === "now" ? "just now" : words;
}

/** Both: "2026-11-23T12:15:00Z (in 15 minutes)". */
export function absoluteAndRelative(time: string, now: number): string {
  return `${absolute(time)} (${relative(time, now)})`;
}

/** When a key, token or password was last used. */
export function lastUse({ lastUsedAt }: { readonly lastUsedAt: string | null }): string {
  return lastUsedAt === null ? "not yet" : absolute(lastUsedAt);
}

/** A length of time in words; null if under half a second. */
function span(ms: number): string | null {
  const seconds = Math.round(ms / SECOND_MS);
  if (seconds === 0) return null;
  if (seconds < 60) return count(seconds, "second");
  const minutes = Math.round(ms / MINUTE_MS);
  if (minutes < 60) return count(minutes, "minute");
  if (ms >= DAYS_FROM_MS) return count(Math.round(ms / DAY_MS), "day");
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return rest === 0 ? count(hours, "hour") : `${count(hours, "hour")} ${count(rest, "minute")}`;
}

/** V8 takes February 30th for March 2nd; RFC 3339 5.7 does not. */
function isCalendarDate(date: string): boolean {
  const at = Date.parse(date);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(date);
}

const count = (n: number, noun: string) => `${n} ${noun}${n === 1 ? "" : "s"}`;
