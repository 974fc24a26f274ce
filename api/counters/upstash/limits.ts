/**
 * The limits of a batch of requests, and between which instants they are right. Pure.
 *
 * The store decides by its own clock, which the caller knows but roughly. So it is told limits with the time for which
 * they hold, and refuses to decide at any other: limits of yesterday, or without the block that has just become active,
 * are then computed anew.
 */
import { dayOf, nextMidnight } from "../../utc_day.ts";
import type { Caps, Request } from "../counters.ts";
import { limitsOf, type RequestLimit } from "../request_limits.ts";

/** A policy's cap may be any function of time: what it said is not taken for longer, in either direction. */
const HOLDS_MS = 2000;

export interface Limits {
  readonly day: string;
  /** Inclusive, epoch ms. */
  readonly from: number;
  /** Exclusive. */
  readonly until: number;
  /** In the order of the requests. */
  readonly items: readonly RequestLimit[];
}

/** @param now what the store's clock may show, epoch ms. @throws {LimitsUnknown} */
export const limitsAt = (now: number, requests: readonly Request[], caps: Caps): Limits => {
  let from = Math.max(now - HOLDS_MS, Date.parse(dayOf(now)));
  let until = Math.min(now + HOLDS_MS, nextMidnight(now));
  for (const { activatesAt } of requests.flatMap(({ blocks }) => blocks)) {
    if (activatesAt <= now) from = Math.max(from, activatesAt);
    else until = Math.min(until, activatesAt);
  }
  return { day: dayOf(now), from, until, items: limitsOf(requests, now, caps) };
};
