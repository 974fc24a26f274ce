/**
 * How long the counters of past days are kept: reservations, used relays, and what the brake compares a day with. Pure.
 *
 * A day that is over is needed for two things: as a part of the account's habit, and so that what a node says of it late
 * (a settlement or a refund, once more or for the first time) counts once. A node that was cut off for longer finds the
 * day closed: its reservations were debits since they were granted, so nothing that it accepted goes uncharged, and
 * nothing is charged twice.
 */
import { dayOf } from "../utc_day.ts";

const DAY_MS = 86_400_000;
/** The four weeks of the brake's habit (habits.ts), and a week for a node that was cut off meanwhile. */
const KEPT_DAYS = 35;

/** The first day that is kept at `now` (epoch ms): those before it are deleted. */
export const firstKeptDay = (now: number): string => dayOf(now - KEPT_DAYS * DAY_MS);

/** The first day for which an unknown reservation still counts: a day later, should the clock be set back meanwhile. */
export const firstOpenDay = (now: number): string => dayOf(now - (KEPT_DAYS - 1) * DAY_MS);

/** The last one: tomorrow, should the clock be set back. What is of a later day would be kept until that is over. */
export const lastOpenDay = (now: number): string => dayOf(now + DAY_MS);
