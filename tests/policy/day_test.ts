import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { policy } from "./facts.ts";

const DAY = 86_400_000;
const START = Date.UTC(1970, 0, 1);
const END = Date.UTC(2101, 0, 1);

Deno.test("day: every day from 1970 to 2100 has the name that Date gives it, from its first millisecond to its last", () => {
  for (let ms = START; ms < END; ms += DAY) {
    const name = new Date(ms).toISOString().slice(0, 10);
    if (policy.utcDay(ms) !== name || policy.utcDay(ms + DAY - 1) !== name) assertEquals(policy.utcDay(ms), name);
    if (policy.resetsAt(ms) !== ms + DAY) assertEquals(policy.resetsAt(ms), ms + DAY);
  }
});

Deno.test("day: at any moment name and next midnight are those of Date", () => {
  fc.assert(
    fc.property(fc.integer({ min: START, max: Date.UTC(9999, 11, 31) - 1 }), (ms) => {
      const date = new Date(ms);
      assertEquals(policy.utcDay(ms), date.toISOString().slice(0, 10));
      assertEquals(policy.resetsAt(ms), date.setUTCHours(24, 0, 0, 0));
    }),
    { numRuns: 5000 },
  );
});

Deno.test("day: leap days, also of centuries", () => {
  assertEquals(policy.utcDay(Date.UTC(2024, 1, 29, 23, 59, 59, 999)), "2024-02-29");
  assertEquals(policy.utcDay(Date.UTC(2024, 2, 1)), "2024-03-01");
  assertEquals(policy.utcDay(Date.UTC(2000, 1, 29)), "2000-02-29");
  assertEquals(policy.utcDay(Date.UTC(2100, 1, 28) + DAY), "2100-03-01");
  assertEquals(policy.utcDay(Date.UTC(2028, 11, 31)), "2028-12-31");
});

Deno.test("day: 23:59:59.999 is of the old day, midnight of the new one", () => {
  const midnight = Date.UTC(2026, 10, 24);
  assertEquals(policy.utcDay(midnight - 1), "2026-11-23");
  assertEquals(policy.resetsAt(midnight - 1), midnight);
  assertEquals(policy.utcDay(midnight), "2026-11-24");
  assertEquals(policy.resetsAt(midnight), midnight + DAY);
});

Deno.test("day: what is no moment from 1970 to 9999 is thrown", () => {
  for (const bad of [NaN, -1, 0.5, Infinity, Date.UTC(9999, 11, 31)]) {
    assertThrows(() => policy.utcDay(bad), RangeError, "epoch milliseconds");
    assertThrows(() => policy.resetsAt(bad), RangeError, "epoch milliseconds");
  }
});
