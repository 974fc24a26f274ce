/** Which calls count as the counters' failures: an alert sends the operator there. */
import { assertEquals, assertRejects } from "@std/assert";
import { countedCounters } from "../../../api/counters/counted.ts";
import type { Counters } from "../../../api/counters/counters.ts";
import { LimitsUnknown } from "../../../api/counters/request_limits.ts";
import { CountersUnavailable } from "../../../api/counters/trouble.ts";

Deno.test("counted: that the counters do not answer is their failure, that the policy has no limit is not", async () => {
  for (
    const [error, outcome] of [
      [new CountersUnavailable("gone"), "failed"],
      [new LimitsUnknown(new Map([["r1", new Error("trap")]])), "answered"],
    ] as const
  ) {
    const heard: string[][] = [];
    const counters = { reserve: () => Promise.reject(error) } as Partial<Counters> as Counters;
    const counted = countedCounters(counters, (...call) => heard.push(call));
    await assertRejects(() => counted.reserve({ node: "n1", boot: "b1" }, []), error.constructor as typeof Error);
    assertEquals(heard, [["reserve", outcome]]);
  }
});
