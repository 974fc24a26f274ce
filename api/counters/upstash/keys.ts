/**
 * What the counters are called in Redis, and how long they are kept. Pure.
 *
 * - `mailhop:res:<id>`: a reservation (hash: state, username, day, relays, ndr, lease, settled, node, boot)
 * - `mailhop:day:<day>:<username>`: an account's day (hash: used, ndr, leased, and `wanted`, when there was too little)
 * - `mailhop:accounts:<day>`: the usernames that used relays of that day (set)
 * - `mailhop:begun`: since when there are counters; not there: Redis has none, or was emptied
 * - `mailhop:open:<node>`: the reservations of a node that are neither settled nor refunded (hash: id to boot)
 */
import { dayOf, nextMidnight } from "../../utc_day.ts";

const DAY_MS = 86_400_000;
/** A node that was cut off tells of a day up to so much later: then its reservations are forgotten, and stay charged. */
const KEPT_DAYS = 3;

/** What the key of an account's day begins with; the day, a colon and the username follow. */
export const DAY_PREFIX = "mailhop:day:";

export const BEGUN_KEY = "mailhop:begun";
export const reservationKey = (id: string): string => `mailhop:res:${id}`;
export const dayKey = (username: string, day: string): string => `${DAY_PREFIX}${day}:${username}`;
export const accountsKey = (day: string): string => `mailhop:accounts:${day}`;
export const openKey = (node: string): string => `mailhop:open:${node}`;

/** When what is of `day` is forgotten, epoch ms. */
export const forgottenAt = (day: string): number => nextMidnight(Date.parse(day)) + KEPT_DAYS * DAY_MS;

/** The days that are not forgotten at `now` (epoch ms), the oldest first. */
export const daysKeptAt = (now: number): string[] =>
  Array.from({ length: KEPT_DAYS + 1 }, (_, n) => dayOf(now - (KEPT_DAYS - n) * DAY_MS));
