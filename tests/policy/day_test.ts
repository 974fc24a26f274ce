import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Reason } from "../../policy/mod.ts";
import { account, mailFacts, policy, quotaFacts } from "./facts.ts";

const DAY = 86_400_000;
const START = Date.UTC(1970, 0, 1);
const END = Date.UTC(2101, 0, 1);

/** The midnight that a refused reservation is told of. */
function resetsAt(now: number): number {
  const blocks = [{ quantity: 1, activatesAt: 0 }];
  const verdict = policy.decide("quota", { ...quotaFacts, now, account: { status: "active", blocks } });
  return verdict.reason === Reason.QuotaExceeded ? verdict.resetsAt : NaN;
}

/** Whether relays that were used on `day` count at `now`. */
function counts(day: string, now: number): boolean {
  const facts = { ...account, day, used: 150, blocks: [{ quantity: 1, activatesAt: 0 }] };
  return policy.decide("mail", { ...mailFacts, now, account: facts }).reason === Reason.QuotaExceeded;
}

Deno.test("day: every day from 1970 to 2100 begins and ends where Date says, to the millisecond", () => {
  for (let ms = START; ms < END; ms += DAY) {
    const name = new Date(ms).toISOString().slice(0, 10);
    const first = resetsAt(ms) === ms + DAY && counts(name, ms);
    const last = resetsAt(ms + DAY - 1) === ms + DAY && counts(name, ms + DAY - 1);
    assertEquals([first, last, counts(name, ms + DAY)], [true, true, false], name);
  }
});

Deno.test("day: at any moment day and next midnight are those of Date", () => {
  fc.assert(
    fc.property(fc.integer({ min: START, max: Date.UTC(9999, 11, 30) - 1 }), (ms) => {
      const date = new Date(ms);
      const name = date.toISOString().slice(0, 10);
      const midnight = date.setUTCHours(24, 0, 0, 0);
      assertEquals([resetsAt(ms), counts(name, ms), counts(name, midnight)], [midnight, true, false]);
    }),
    { numRuns: 5000 },
  );
});

Deno.test("day: 23:59:59.999 is of the old day, midnight of the new one", () => {
  const midnight = Date.UTC(2026, 10, 24);
  assertEquals(resetsAt(midnight - 1), midnight);
  assertEquals(resetsAt(midnight), midnight + DAY);
  assertEquals([counts("2026-11-23", midnight - 1), counts("2026-11-23", midnight)], [true, false]);
});

Deno.test("day: what is no moment from 1970 to 9999 is thrown", () => {
  for (const bad of [NaN, -1, 0.5, Infinity, Date.UTC(9999, 11, 31)]) {
    assertThrows(() => resetsAt(bad), RangeError, "epoch milliseconds");
  }
});
