import { assertEquals } from "@std/assert";
import { AwayGate } from "../../relay/away_gate.ts";

const PAUSE_MS = 1000;

function gate() {
  const clock = { now: 0 };
  const news: unknown[] = [];
  const gate = new AwayGate({
    monotonic: () => clock.now,
    pauseMs: PAUSE_MS,
    onAway: (error) => news.push(`away: ${error}`),
    onBack: (awayMs) => news.push(`back after ${awayMs}`),
  });
  return { gate, clock, news };
}

Deno.test("away gate: whoever fails while nothing is answered shuts it; one that is slow among others does not", () => {
  const { gate: door, news } = gate();
  const slow = door.enter()!;
  door.enter()!.answered();
  slow.failed("late");
  assertEquals(news, []);
  const others = [door.enter()!, door.enter()!];
  for (const other of others) other.failed("no answer");
  assertEquals(news, ["away: no answer"]);
});

Deno.test("away gate: while they are away one call at a time goes through, a pause apart", () => {
  const { gate: door, clock, news } = gate();
  door.enter()!.failed("no answer");
  assertEquals(door.enter(), null);
  clock.now = PAUSE_MS;
  const probe = door.enter()!;
  clock.now = 10 * PAUSE_MS;
  assertEquals(door.enter(), null, "a probe is under way");
  probe.failed("no answer");
  assertEquals(door.enter(), null);
  clock.now += PAUSE_MS;
  door.enter()!.abandoned();
  door.enter()!.answered();
  assertEquals(news, ["away: no answer", `back after ${11 * PAUSE_MS}`]);
  door.enter()!.answered();
  assertEquals(news.length, 2);
});

Deno.test("away gate: a call from before that is answered ends it", () => {
  const { gate: door, news } = gate();
  const slow = door.enter()!;
  door.enter()!.failed("no answer");
  slow.answered();
  assertEquals(news, ["away: no answer", "back after 0"]);
});
