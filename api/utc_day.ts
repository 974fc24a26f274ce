/** UTC days as the counters and the API name them. Pure. */

const MS_PER_DAY = 86_400_000;

/** The day that was asked for last: nearly always the same as the next. */
let last = { number: NaN, day: "" };

/** "2026-11-23" for an instant in epoch milliseconds. */
export const dayOf = (atMs: number): string => {
  const number = Math.floor(atMs / MS_PER_DAY);
  if (number !== last.number) last = { number, day: new Date(atMs).toISOString().slice(0, 10) };
  return last.day;
};

/** The instant at which the day of `atMs` ends and the next begins, in epoch milliseconds. */
export const nextMidnight = (atMs: number): number => (Math.floor(atMs / MS_PER_DAY) + 1) * MS_PER_DAY;

/** RFC 3339 in UTC, without the fraction where it is zero: "2026-11-24T00:00:00Z". */
export const rfc3339 = (atMs: number): string => new Date(atMs).toISOString().replace(".000Z", "Z");
