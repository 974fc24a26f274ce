import { assertEquals } from "@std/assert";
import { Suspension } from "../../../relay/delivery/suspension.ts";

const SECOND = 1000;

function suspended(): Suspension {
  const suspension = new Suspension();
  for (let failure = 0; failure < 3; failure++) suspension.failed("mx did not answer in time", 0);
  return suspension;
}

Deno.test("suspension: from the third failure in a row on; a session in between begins anew", () => {
  const suspension = new Suspension();
  for (const step of ["failed", "failed", "reached", "failed", "failed"] as const) suspension[step]("", 0);
  assertEquals([suspension.active, suspension.admits(0), suspension.hasFailures], [false, true, true]);
  suspension.failed("", 0);
  assertEquals([suspension.active, suspension.admits(0)], [true, false]);
});

Deno.test("suspension: one probe at a time, each later than the one before, every four minutes at last", () => {
  const suspension = suspended();
  let now = 0;
  for (const pause of [30, 60, 120, 240, 240]) {
    assertEquals(suspension.admits(now + pause * SECOND - 1), false);
    now += pause * SECOND;
    assertEquals(suspension.admits(now), true);
    suspension.begin();
    assertEquals(suspension.admits(now), false, "while a probe is on its way");
    suspension.failed("mx did not answer in time", now);
  }
});

Deno.test("suspension: a probe that is given up is made by the next message; one that succeeds ends it", () => {
  const suspension = suspended();
  suspension.begin();
  suspension.abandon();
  assertEquals([suspension.active, suspension.admits(30 * SECOND)], [true, true]);
  suspension.begin();
  suspension.reached();
  assertEquals([suspension.active, suspension.admits(30 * SECOND), suspension.hasFailures], [false, true, false]);
});

Deno.test("suspension: what the operator is told of is said once", () => {
  const suspension = new Suspension();
  const failed = (now: number) => suspension.failed("mx did not answer in time", now);
  const change = { kind: "suspended", why: "mx did not answer in time", probeInMs: 30 * SECOND } as const;
  assertEquals([failed(0), failed(0), failed(0), failed(0)], [undefined, undefined, change, undefined]);
  suspension.begin();
  assertEquals(failed(30 * SECOND), undefined);
  assertEquals([suspension.reached(), suspension.reached()], [{ kind: "reached" }, undefined]);
  assertEquals([failed(0), suspension.reached(), failed(0), failed(0)], [undefined, undefined, undefined, undefined]);
  assertEquals(failed(0), change);
});

Deno.test("suspension: a message that is not tried is deferred with what the probe said", () => {
  const { kind, status, reply } = suspended().verdict;
  assertEquals([kind, status, reply], [
    "deferred",
    "4.4.1",
    "not tried, as the last attempts at this next hop failed: mx did not answer in time",
  ]);
});
