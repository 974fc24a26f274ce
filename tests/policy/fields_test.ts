/** What a recorded decision keeps is all that it was made from: whatever else stands in memory, the verdict is the same. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ABI_VERSION, NOW, OPEN_CONNECTIONS, RECIPIENT_SUPPRESSED } from "../../policy/assembly/layout.ts";
import { decodeChunk, encodeChunk } from "../../policy/decision.ts";
import { FACT_FIELDS } from "../../policy/fields.ts";
import { put } from "../../policy/memory.ts";
import { readFacts, writeFacts } from "../../policy/recorded_facts.ts";
import { type Decision, defaultParameters, ModulePolicy, ownModule, STAGE_NAMES } from "../../policy/mod.ts";
import { someFacts } from "./arbitrary_facts.ts";

const HASH = "a".repeat(64);
const EVERY_FIELD = Array.from({ length: (RECIPIENT_SUPPRESSED - NOW) / 8 + 1 }, (_, n) => NOW + 8 * n);

for (const stage of STAGE_NAMES) {
  Deno.test(`fields: ${stage} reads those of its list and no others`, () => {
    const policy = new ModulePolicy(ownModule(), defaultParameters);
    const others = EVERY_FIELD.filter((field) => !FACT_FIELDS[stage].includes(field));
    const noise = fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: others.length, maxLength: others.length });
    fc.assert(
      fc.property(someFacts[stage], noise, (facts, values) => {
        const verdict = policy.decide(stage, facts as never);
        const recorded = readFacts(policy.memory, stage);
        const again = policy.decideOn(stage, (memory) => {
          others.forEach((field, n) => put(memory, field, values[n]!));
          writeFacts(memory, stage, recorded);
        });
        assertEquals(again.verdict, verdict);
      }),
      { numRuns: 1000 },
    );
  });
}

const someDecisions = fc.array(
  fc.oneof(...STAGE_NAMES.map((stage) => someFacts[stage].map((facts) => ({ stage, facts })))),
  { minLength: 1, maxLength: 40 },
);

Deno.test("recorded decisions: a chunk says what was put into it", () => {
  const policy = new ModulePolicy(ownModule(), defaultParameters);
  const accounts = fc.array(fc.constantFrom(null, "anna", "berta"), { minLength: 40, maxLength: 40 });
  const times = fc.array(fc.integer({ min: 0, max: 1e12 }), { minLength: 40, maxLength: 40 });
  fc.assert(
    fc.property(someDecisions, accounts, times, (drawn, accounts, times) => {
      const decisions = drawn.map(({ stage, facts }, n): Decision => {
        policy.decide(stage, facts as never);
        const { reason, data } = policy.decideOn(stage, () => {});
        return {
          ...{ stage, reason, data, at: times[n]!, account: accounts[n]!, module: HASH },
          parameters: defaultParameters,
          facts: readFacts(policy.memory, stage),
        };
      });
      const chunk = encodeChunk(decisions);
      assertEquals([...decodeChunk(chunk)], decisions);
      assertEquals([chunk.from, chunk.until], [
        Math.min(...decisions.map(({ at }) => at)),
        Math.max(...decisions.map(({ at }) => at)),
      ]);
    }),
    { numRuns: 300 },
  );
});

Deno.test("the ABI's version is 1, and its first fact stands where it says", () => {
  assertEquals([ABI_VERSION, NOW, OPEN_CONNECTIONS], [1, 256, 264]);
});
