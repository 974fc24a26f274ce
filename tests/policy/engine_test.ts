/** Calls under guard. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { guarded } from "../../policy/engine.ts";
import { PolicyFault } from "../../policy/mod.ts";

/** Where a script may return while the watchdog fires, a thread lives for 250 of them at the most, mostly for one. */
const CALLS = 400;
const SHORT_LIMIT_MS = 5;
/** From a little before the limit to well behind it. */
const [EARLIEST_MS, SPAN_MS] = [-0.1, 1.6];

/** Takes so long by the clock, and says what it was asked to. */
const slow = (ms: number, answer: number) => () => {
  for (const until = performance.now() + ms; performance.now() < until;);
  return answer;
};

Deno.test("guard: answers that come about at their limit leave the thread alive", () => {
  const outcomes = { answered: 0, late: 0 };
  for (let n = 0; n < CALLS; n++) {
    try {
      const ms = SHORT_LIMIT_MS + EARLIEST_MS + SPAN_MS * n / CALLS;
      assertEquals(guarded(slow(ms, n), SHORT_LIMIT_MS), n);
      outcomes.answered++;
    } catch (error) {
      if (!(error instanceof PolicyFault && error.kind === "timeout")) throw error;
      outcomes.late++;
    }
  }
  assert(outcomes.answered > 0 && outcomes.late > 0, JSON.stringify(outcomes));
});

/** So far from it that a busy machine does not make an answer too late. */
const LIMIT_MS = 1000, LATE_MS = 960, EARLY_MS = 10;

for (const [when, ms, least] of [["late", LATE_MS, LIMIT_MS - 10], ["early", EARLY_MS, EARLY_MS]] as const) {
  Deno.test(`guard: an answer or an error that comes ${when} is the outcome`, () => {
    const from = performance.now();
    assertEquals(guarded(slow(ms, 7), LIMIT_MS), 7);
    const took = performance.now() - from;
    assert(took >= least, `${took} ms`);
    const failing = () => {
      slow(ms, 7)();
      throw new WebAssembly.RuntimeError("unreachable");
    };
    assertThrows(() => guarded(failing, LIMIT_MS), PolicyFault, "trap: unreachable");
  });
}
