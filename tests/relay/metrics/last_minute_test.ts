import { assertEquals } from "@std/assert";
import { LastMinute } from "../../../relay/metrics/last_minute.ts";

const SECOND_MS = 1000;

Deno.test("last minute: a figure counts for 55 seconds at least and 60 at most, then no more", () => {
  for (const begun of [0, 2.5 * SECOND_MS, 4.9 * SECOND_MS]) {
    const sum = new LastMinute((one, other) => one + other);
    sum.add(3, begun);
    sum.add(4, begun);
    assertEquals([sum.at(begun), sum.at(begun + 55 * SECOND_MS), sum.at(begun + 60 * SECOND_MS)], [7, 7, 0]);
  }
});

Deno.test("last minute: of several longest delays the longest one that is not over a minute old", () => {
  const longest = new LastMinute(Math.max);
  for (const [delay, at] of [[400, 0], [30, 20_000], [90, 40_000], [10, 50_000]] as const) longest.add(delay, at);
  assertEquals([50_000, 60_000, 99_000, 100_000, 110_000].map((at) => longest.at(at)), [400, 90, 90, 10, 0]);
});
