/**
 * What may enter the policy's memory: whole numbers that a double holds exactly. Anything else is a mistake of the
 * caller, and is thrown before the policy is asked.
 */

/** 9999-12-31T00:00:00Z: the last day whose midnight still has a year of four digits. */
export const END_OF_TIME_MS = 253_402_214_400_000;

/** @throws RangeError unless `value` is a safe integer of at least `least` */
export function wholeNumber(name: string, value: number, least = 0): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(`${name} is ${value}: a whole number of at least ${least} was expected`);
}

/** @throws RangeError unless `value` is epoch milliseconds of a moment from 1970 to 9999 */
export function moment(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0 && value < END_OF_TIME_MS) return value;
  throw new RangeError(`${name} is ${value}: epoch milliseconds from 1970 to 9999 were expected`);
}

/** @throws RangeError unless `value` is a day like "2026-11-23" */
export function midnightOf(name: string, value: string): number {
  // Nearly every decision is of the same day, and parsing it would be most of what a decision costs.
  if (value === lastDay.name) return lastDay.midnight;
  const ms = /^\d{4}-\d\d-\d\d$/.test(value) ? Date.parse(`${value}T00:00:00Z`) : NaN;
  if (Number.isNaN(ms)) throw new RangeError(`${name} is "${value}": a day like 2026-11-23 was expected`);
  const midnight = moment(name, ms);
  lastDay = { name: value, midnight };
  return midnight;
}

let lastDay = { name: "1970-01-01", midnight: 0 };
