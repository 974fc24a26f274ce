/**
 * The UTC day, from epoch milliseconds by arithmetic alone: there is no clock and no calendar to ask.
 *
 * Leap seconds do not exist on this time scale (POSIX), so every day has the same length.
 */

const DAY_MS: f64 = 86400000;

/** @returns whole days since 1970-01-01 */
export function dayNumber(ms: f64): f64 {
  return Math.floor(ms / DAY_MS);
}

/** When the day of `ms` ends and its used count starts again: the next midnight, never `ms` itself. */
export function nextMidnight(ms: f64): f64 {
  return (dayNumber(ms) + 1) * DAY_MS;
}
