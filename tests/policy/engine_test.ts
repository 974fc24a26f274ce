/** Calls under guard. */
import { assertEquals, assertThrows } from "@std/assert";
import { guarded } from "../../policy/engine.ts";
import { PolicyFault } from "../../policy/mod.ts";

const LIMIT_MS = 5;
/** Where a script may return while the watchdog fires, a thread lives for 250 of them at the most, mostly for one. */
const CALLS = 400;

/** Takes so long by the clock, and says what it was asked to. */
const slow = (ms: number, answer: number) => () => {
  for (const until = performance.now() + ms; performance.now() < until;);
  return answer;
};

Deno.test("guard: answers that come just before their limit, or just not, leave the thread alive", () => {
  const outcomes = { answered: 0, late: 0 };
  for (let n = 0; n < CALLS; n++) {
    try {
      assertEquals(guarded(slow(LIMIT_MS - 0.1 + 0.4 * n / CALLS, n), LIMIT_MS), n);
      outcomes.answered++;
    } catch (error) {
      if (!(error instanceof PolicyFault && error.kind === "timeout")) throw error;
      outcomes.late++;
    }
  }
  assertEquals(outcomes.answered + outcomes.late, CALLS);
});

Deno.test("guard: an answer, or an error, that took more than half of the limit is the answer", () => {
  assertEquals(guarded(slow(60, 7), 100), 7);
  const failing = () => {
    slow(60, 7)();
    throw new WebAssembly.RuntimeError("unreachable");
  };
  assertThrows(() => guarded(failing, 100), PolicyFault, "trap: unreachable");
});
