import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { nextAttemptAt, RETRY_SCHEDULE } from "../../../relay/delivery/retry.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

Deno.test("retry: the intervals are those of the written table", () => {
  const intervals = [1, 2, 3, 4, 5, 6, 7, 8, 30].map((attempts) => nextAttemptAt(attempts, 0, 0, 0.5)! / MINUTE);
  assertEquals(intervals, [5, 10, 20, 40, 80, 160, 240, 240, 240]);
});

Deno.test("retry: one attempt is due exactly when the sender is to be warned", () => {
  const HOUR = 60 * MINUTE;
  assertEquals(nextAttemptAt(6, 0, 3 * HOUR, 0.99), 4 * HOUR);
  assertEquals(nextAttemptAt(7, 0, 4 * HOUR, 0.5), 8 * HOUR);
  assertEquals(nextAttemptAt(1, 0, 0, 0.5, { ...RETRY_SCHEDULE, delayWarningMs: 2 * MINUTE }), 2 * MINUTE);
});

Deno.test("retry: the last attempt is at five days, and a deferral then ends it", () => {
  assertEquals(nextAttemptAt(40, 0, 5 * DAY - MINUTE, 0.5), 5 * DAY);
  assertEquals(nextAttemptAt(41, 0, 5 * DAY, 0.5), null);
});

Deno.test("retry: a message is tried until its expiry, with jitter within a fifth, and never after", () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(fc.property(fc.array(random, { minLength: 200, maxLength: 200 }), (randoms) => {
    let now = 0;
    for (const [at, each] of randoms.entries()) {
      const next = nextAttemptAt(at + 1, 0, now, each);
      if (next === null) {
        assertEquals(now, RETRY_SCHEDULE.expiryMs);
        assert(at > 28 && at < 45, `${at} attempts`);
        return;
      }
      const interval = Math.min(RETRY_SCHEDULE.firstIntervalMs * 2 ** at, RETRY_SCHEDULE.longestIntervalMs);
      assert(
        next <= now + 1.2 * interval + 1 &&
          (next >= now + 0.8 * interval - 1 || next === RETRY_SCHEDULE.delayWarningMs ||
            next === RETRY_SCHEDULE.expiryMs),
      );
      now = next;
    }
    throw new Error("it never expired");
  }));
});
