import { assertEquals } from "@std/assert";
import { absolute, ago, parseInstant, relative, resolveInstant } from "../../../api/cli/when.ts";

const NOON = Date.parse("2026-11-23T12:00:00Z");

const instants: readonly (readonly [string, string | null])[] = [
  ["24h", "2026-11-22T12:00:00.000Z"],
  ["7d", "2026-11-16T12:00:00.000Z"],
  ["90m", "2026-11-23T10:30:00.000Z"],
  ["2w", "2026-11-09T12:00:00.000Z"],
  ["30s", "2026-11-23T11:59:30.000Z"],
  ["2026-11-23T10:00:00Z", "2026-11-23T10:00:00.000Z"],
  ["2026-11-23t10:00:00.5z", "2026-11-23T10:00:00.500Z"],
  ["2026-11-23T10:00:00+02:00", "2026-11-23T08:00:00.000Z"],
  ["2026-11-23", "2026-11-23T00:00:00.000Z"],
  ["2028-02-29", "2028-02-29T00:00:00.000Z"],
  ["2026-02-29", null],
  ["2026-02-30T10:00:00Z", null],
  ["2026-11-23T25:00:00Z", null],
  ["2026-11-23T10:00:00", null],
  ["2026-11-23 10:00:00Z", null],
  ["24", null],
  ["h", null],
  ["-24h", null],
  ["1.5h", null],
  ["1000000h", null],
  ["yesterday", null],
  ["", null],
];

for (const [written, expected] of instants) {
  Deno.test(`time: "${written}" at noon is ${expected ?? "refused"}`, () => {
    const instant = parseInstant(written);
    assertEquals(instant && resolveInstant(instant, NOON), expected);
  });
}

const distances: readonly (readonly [number, string])[] = [
  [0, "now"],
  [499, "now"],
  [1_000, "in 1 second"],
  [59_000, "in 59 seconds"],
  [59_600, "in 1 minute"],
  [899_900, "in 15 minutes"],
  [900_000, "in 15 minutes"],
  [3_600_000, "in 1 hour"],
  [5_100_000, "in 1 hour 25 minutes"],
  [43_200_000, "in 12 hours"],
  [172_800_000, "in 2 days"],
  [-60_000, "1 minute ago"],
  [-259_200_000, "3 days ago"],
];

for (const [ms, expected] of distances) {
  Deno.test(`time: ${ms} ms from now is "${expected}"`, () => {
    assertEquals(relative(new Date(NOON + ms).toISOString(), NOON), expected);
  });
}

Deno.test("time: what has happened did so just now, even if our clock was looked at before", () => {
  const at = (ms: number) => ago(new Date(NOON + ms).toISOString(), NOON);
  assertEquals([1200, 0, -400, -1000, -60_000].map(at), [
    ...["just now", "just now", "just now"],
    ...["1 second ago", "1 minute ago"],
  ]);
});

Deno.test("time: an API time is shown to the second, in UTC", () => {
  assertEquals(absolute("2026-11-23T12:15:00.123Z"), "2026-11-23T12:15:00Z");
  assertEquals(absolute("2026-11-23T14:15:00+02:00"), "2026-11-23T12:15:00Z");
});
