import { assertEquals } from "@std/assert";
import { Summary } from "../../../relay/queue_jobs/summary.ts";
import { START, state } from "../../support/spool_on_disk.ts";

const HOUR = 3_600_000;

const entry = (domain: string, ageMs: number, status: "queued" | "held" = "queued", dueAt = START) => ({
  ...{ id: "m", account: "alice", receivedAt: START - ageMs, domains: [domain], damaged: false },
  recipients: [state(status, dueAt)],
});

Deno.test("summary: recipients by domain and age, with the next attempt and the last words", () => {
  const summary = new Summary(START);
  summary.add(entry("a.test", HOUR - 1, "queued", START + 9), [0]);
  summary.add(entry("a.test", HOUR, "queued", START + 5), [0]);
  summary.add(entry("a.test", 4 * HOUR, "held"), [0]);
  summary.add(entry("a.test", 24 * HOUR), [0]);
  summary.add(entry("b.test", 0, "held"), [0]);
  const { domains, ...whole } = summary.result();
  assertEquals(whole, { messages: 5, recipients: 5, held: 2, damaged: 0, otherDomains: 0 });
  assertEquals(domains, [
    {
      domain: "a.test",
      recipients: 4,
      held: 1,
      ages: { under1h: 1, under4h: 1, under1d: 1, older: 1 },
      oldestAt: START - 24 * HOUR,
      nextAttemptAt: START,
      lastReply: "it is queued",
    },
    {
      domain: "b.test",
      recipients: 1,
      held: 1,
      ages: { under1h: 1, under4h: 0, under1d: 0, older: 0 },
      oldestAt: START,
      nextAttemptAt: null,
      lastReply: "it is held",
    },
  ]);
});

Deno.test("summary: of very many domains the busiest are told, and how many more there are", () => {
  const summary = new Summary(START);
  for (let n = 0; n < 25_000; n++) summary.add(entry(`d${n}.test`, 0), [0]);
  summary.add(entry("d7.test", 0), [0]);
  const { domains, otherDomains, recipients } = summary.result();
  assertEquals([domains[0]!.domain, domains.length, otherDomains, recipients], ["d7.test", 1000, 24_000, 25_001]);
});
