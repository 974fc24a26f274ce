import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Concurrency } from "../../../relay/delivery/concurrency.ts";

const grown = (to: number, limit = 100): Concurrency => {
  const concurrency = new Concurrency(limit);
  while (concurrency.allowed < to) concurrency.grow(concurrency.allowed);
  return concurrency;
};

Deno.test("concurrency: two at first, one more for each message that is served, up to the limit", () => {
  const concurrency = new Concurrency(4);
  const allowed = [1, 2, 3, 4].map(() => {
    const now = concurrency.allowed;
    concurrency.grow(now);
    return now;
  });
  assertEquals([...allowed, concurrency.allowed], [2, 3, 4, 4, 4]);
  assertEquals(new Concurrency(1).allowed, 1);
});

Deno.test("concurrency: what is not used does not grow", () => {
  const concurrency = grown(10);
  concurrency.grow(9);
  assertEquals(concurrency.allowed, 10);
});

Deno.test("concurrency: a push-back halves it, and from there a whole window of messages makes room for one", () => {
  const concurrency = grown(16);
  concurrency.shrink();
  assertEquals(concurrency.allowed, 8);
  for (let served = 0; served < 7; served++) concurrency.grow(8);
  assertEquals(concurrency.allowed, 8);
  for (let served = 0; served < 3; served++) concurrency.grow(8);
  assertEquals(concurrency.allowed, 9);
});

Deno.test("concurrency: back to one, then fast up to half of what it was", () => {
  const concurrency = grown(16);
  concurrency.collapse();
  const allowed = Array.from({ length: 9 }, () => {
    const now = concurrency.allowed;
    concurrency.grow(now);
    return now;
  });
  assertEquals(allowed, [1, 2, 3, 4, 5, 6, 7, 8, 8]);
});

Deno.test("concurrency: whatever happens it is a whole number from one to the limit", () => {
  const steps = fc.array(fc.constantFrom("grow", "shrink", "collapse"), { maxLength: 200 });
  fc.assert(fc.property(fc.integer({ min: 1, max: 30 }), steps, (limit, taken) => {
    const concurrency = new Concurrency(limit);
    for (const step of taken) {
      concurrency[step as "grow"](concurrency.allowed);
      assert(concurrency.allowed >= 1 && concurrency.allowed <= limit && Number.isInteger(concurrency.allowed));
    }
  }));
});
