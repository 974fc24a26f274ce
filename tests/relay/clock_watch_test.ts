import { assertEquals } from "@std/assert";
import { ClockWatch, MAX_SKEW_MS, skewWords } from "../../relay/clock_watch.ts";

const THEIRS = Date.parse("2026-11-23T12:00:00Z");

function watch() {
  const clock = { now: THEIRS };
  const news: [boolean, number][] = [];
  const watch = new ClockWatch({ now: () => clock.now, onChange: (apart, aheadMs) => news.push([apart, aheadMs]) });
  /** An answer that took so long, while our clock was ahead by so much. */
  const hear = (aheadMs: number, roundTripMs = 0) => {
    clock.now = THEIRS + aheadMs + roundTripMs / 2;
    watch.heard(THEIRS, roundTripMs);
  };
  return { watch, hear, news };
}

Deno.test("clock: nothing is compared before the first answer", () => {
  assertEquals(watch().watch.comparison, null);
});

Deno.test("clock: beyond ten seconds it is told, once each way, ahead or behind", () => {
  const { watch: clock, hear, news } = watch();
  for (const aheadMs of [0, MAX_SKEW_MS, -MAX_SKEW_MS]) hear(aheadMs);
  assertEquals(news, []);
  for (const aheadMs of [MAX_SKEW_MS + 1, 60_000, -60_000]) hear(aheadMs);
  assertEquals([news, clock.comparison], [[[true, MAX_SKEW_MS + 1]], { aheadMs: -60_000, apart: true }]);
  hear(5);
  hear(6);
  assertEquals([news.slice(1), clock.comparison], [[[false, 5]], { aheadMs: 6, apart: false }]);
});

Deno.test("clock: what half the way there and back may explain is no reason to tell", () => {
  const { hear, news } = watch();
  hear(MAX_SKEW_MS + 900, 2000);
  assertEquals(news, []);
  hear(MAX_SKEW_MS + 1100, 2000);
  assertEquals(news, [[true, MAX_SKEW_MS + 1100]]);
  hear(MAX_SKEW_MS - 900, 2000);
  assertEquals(news.length, 1);
  hear(MAX_SKEW_MS - 1000, 2000);
  assertEquals(news.slice(1), [[false, MAX_SKEW_MS - 1000]]);
});

Deno.test("clock: in words", () => {
  assertEquals(skewWords(12_340), "12.3 s ahead of the control plane's");
  assertEquals(skewWords(-12_340), "12.3 s behind the control plane's");
});
