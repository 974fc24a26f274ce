/**
 * The UTC day, from epoch milliseconds by arithmetic alone: there is no clock and no calendar to ask.
 *
 * Leap seconds do not exist on this time scale (POSIX), so every day has the same length.
 */

const DAY_MS: f64 = 86400000;
const EPOCH_YEAR: f64 = 1970;
/** Mean length of a Gregorian year in days. */
const MEAN_YEAR: f64 = 365.2425;

/** @returns whole days since 1970-01-01 */
export function dayNumber(ms: f64): f64 {
  return Math.floor(ms / DAY_MS);
}

/** When the day of `ms` ends and its used count starts again: the next midnight, never `ms` itself. */
export function nextMidnight(ms: f64): f64 {
  return (dayNumber(ms) + 1) * DAY_MS;
}

/** @returns the day of `ms` as the number yyyymmdd */
export function calendarDay(ms: f64): f64 {
  const day = dayNumber(ms);
  // The mean year misses New Year by less than two days, so the guess is at most one year off.
  let year = EPOCH_YEAR + Math.floor(day / MEAN_YEAR);
  if (newYear(year) > day) year -= 1;
  else if (newYear(year + 1) <= day) year += 1;

  let dayOfMonth = day - newYear(year);
  let month: f64 = 1;
  while (dayOfMonth >= monthLength(year, month)) {
    dayOfMonth -= monthLength(year, month);
    month += 1;
  }
  return (year * 100 + month) * 100 + dayOfMonth + 1;
}

/** @returns the day number of January 1st */
function newYear(year: f64): f64 {
  return (year - EPOCH_YEAR) * 365 + leapDaysBefore(year) - leapDaysBefore(EPOCH_YEAR);
}

/** Leap days since the year 1 in the years before `year`. */
function leapDaysBefore(year: f64): f64 {
  const past = year - 1;
  return Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400);
}

function monthLength(year: f64, month: f64): f64 {
  if (month === 2) return 28 + leapDaysBefore(year + 1) - leapDaysBefore(year);
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
