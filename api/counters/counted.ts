/** Counters that tell of each call what came of it, for the operator's figures. */
import type { Counters } from "./counters.ts";
import { LimitsUnknown } from "./request_limits.ts";

/** Hears of each call when it has ended. */
export type OnCall = (operation: keyof Counters, outcome: "answered" | "failed") => void;

export const countedCounters = (counters: Counters, onCall: OnCall): Counters => {
  const told = <Given extends unknown[], Found>(
    operation: keyof Counters,
    call: (...given: Given) => Promise<Found>,
  ) =>
  async (...given: Given): Promise<Found> => {
    try {
      const found = await call(...given);
      onCall(operation, "answered");
      return found;
    } catch (error) {
      // It is not the counters that failed then.
      onCall(operation, error instanceof LimitsUnknown ? "answered" : "failed");
      throw error;
    }
  };
  return {
    reserve: told("reserve", (holder, requests) => counters.reserve(holder, requests)),
    settle: told("settle", (holder, settlements) => counters.settle(holder, settlements)),
    refund: told("refund", (holder, refunds) => counters.refund(holder, refunds)),
    trim: told("trim", (holder, trims) => counters.trim(holder, trims)),
    wanted: told("wanted", (usernames) => counters.wanted(usernames)),
    recover: told("recover", (holder) => counters.recover(holder)),
    today: told("today", (usernames) => counters.today(usernames)),
    keepDays: told("keepDays", (usernames) => counters.keepDays(usernames)),
  };
};
