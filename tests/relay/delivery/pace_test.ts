import { assert, assertEquals } from "@std/assert";
import { Pace } from "../../../relay/delivery/pace.ts";

Deno.test("pace: a destination that takes a message each 10 ms is through a line of 1000 in about 10 s", () => {
  const pace = new Pace(0);
  for (let now = 10; now <= 3000; now += 10) pace.passed(now);
  const waitMs = pace.waitMs(1000, 3000);
  assert(waitMs > 9_000 && waitMs < 11_000, `${waitMs}`);
});

Deno.test("pace: the first moments and short pauses say nothing, a standstill does", () => {
  const pace = new Pace(0);
  assertEquals(pace.waitMs(1000, 1500), 0);
  assertEquals(pace.waitMs(100, 60_000), 100 * 60_000);
});
