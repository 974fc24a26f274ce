/** Which decisions are recorded, how they are handed over, and that there is an end to what waits. */
import { assertEquals, assertRejects } from "@std/assert";
import { decodeBase64 } from "@std/encoding";
import { type Decision, decodeChunk, defaultParameters, Reason } from "../../../policy/mod.ts";
import type { DecisionChunkJson } from "../../../api/client.ts";
import { DecisionRecorder } from "../../../relay/policy/recorder.ts";

const decision = (at: number): Decision => ({
  ...{ stage: "author", at, account: "anna", module: "a".repeat(64), parameters: defaultParameters },
  ...{ facts: new Float64Array([2]), reason: Reason.DomainOfAnotherAccount, data: [] },
});

function decisionsOf({ octets, ...head }: DecisionChunkJson): number[] {
  const chunk = { ...head, parameters: [defaultParameters], octets: new Uint8Array(decodeBase64(octets)) };
  return [...decodeChunk(chunk)].map(({ at }) => at);
}

Deno.test("recorder: refusals always, others by the share that chance draws", () => {
  let drawn = 0;
  const recorder = new DecisionRecorder({ samplePercent: 10, random: () => drawn });
  const wants = (reason: Reason, random: number) => {
    drawn = random;
    return recorder.wants(reason);
  };
  assertEquals([wants(Reason.Accepted, 0.0999), wants(Reason.Accepted, 0.1)], [true, false]);
  assertEquals(wants(Reason.NoBlock, 0.999), true);
  const none = new DecisionRecorder({ samplePercent: 0, random: () => 0 });
  assertEquals([none.wants(Reason.Accepted), none.wants(Reason.PolicyFault)], [false, true]);
});

Deno.test("recorder: hands over in order, a thousand at a time; what is not taken waits on", async () => {
  const recorder = new DecisionRecorder({ samplePercent: 100, random: () => 0 });
  for (let n = 0; n < 1500; n++) recorder.record(decision(n));
  await assertRejects(() => recorder.handOver(() => Promise.reject(new Error("away"))), Error, "away");
  const taken: number[] = [];
  const take = (chunk: DecisionChunkJson) => Promise.resolve(void taken.push(...decisionsOf(chunk)));
  assertEquals(await recorder.handOver(take), true);
  assertEquals(await recorder.handOver(take), false);
  assertEquals(await recorder.handOver(take), false);
  assertEquals(taken, Array.from({ length: 1500 }, (_, n) => n));
});

Deno.test("recorder: what finds no room is left out and counted", () => {
  const recorder = new DecisionRecorder({ samplePercent: 100, random: () => 0 });
  for (let n = 0; n < 20_003; n++) recorder.record(decision(n));
  assertEquals(recorder.dropped, 3);
});
