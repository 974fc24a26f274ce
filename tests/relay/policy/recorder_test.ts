/** Which decisions are recorded, how they are handed over, and that there is an end to what waits. */
import { assertEquals, assertRejects } from "@std/assert";
import { chunkFromJson, type Decision, decodeChunk, defaultParameters, Reason } from "../../../policy/mod.ts";
import type { NodeDecisions } from "../../../api/client.ts";
import { DecisionRecorder, type RecorderOptions } from "../../../relay/policy/recorder.ts";

const decision = (at: number): Decision => ({
  ...{ stage: "author", at, account: "anna", module: "a".repeat(64), parameters: defaultParameters },
  ...{ facts: new Float64Array([2]), reason: Reason.DomainOfAnotherAccount, data: [] },
});

const decisionsOf = (chunk: NodeDecisions): number[] => [...decodeChunk(chunkFromJson(chunk))].map(({ at }) => at);

function recorderOf(options: Partial<RecorderOptions> = {}): DecisionRecorder {
  let ids = 0;
  return new DecisionRecorder({
    samplePercent: 100,
    random: () => 0,
    newId: () => `${++ids}`,
    monotonic: () => 0,
    ...options,
  });
}

Deno.test("recorder: an account's refusals always, others by the share that chance draws", () => {
  let drawn = 0;
  const recorder = recorderOf({ samplePercent: 10, random: () => drawn });
  const wants = (reason: Reason, random: number) => {
    drawn = random;
    return recorder.wants(reason, "anna");
  };
  assertEquals([wants(Reason.Accepted, 0.0999), wants(Reason.Accepted, 0.1)], [true, false]);
  assertEquals(wants(Reason.NoBlock, 0.999), true);
  const none = recorderOf({ samplePercent: 0 });
  assertEquals([none.wants(Reason.Accepted, "anna"), none.wants(Reason.PolicyFault, "anna")], [false, true]);
});

Deno.test("recorder: of refusals that concern no account sixty of a reason in a minute", () => {
  const clock = { now: 0 };
  const recorder = recorderOf({ monotonic: () => clock.now });
  const wanted = (reason: Reason, account: string | null, times = 100) =>
    Array.from({ length: times }, () => recorder.wants(reason, account)).filter((wanted) => wanted).length;
  assertEquals(wanted(Reason.AuthenticationRequired, null), 60);
  clock.now = 59_999;
  assertEquals(wanted(Reason.AuthenticationRequired, null), 0);
  assertEquals(wanted(Reason.AuthenticationFailed, null), 60, "each reason has its own");
  assertEquals(wanted(Reason.NoBlock, "anna"), 100, "an account's are all recorded");
  assertEquals(wanted(Reason.Accepted, null), 100, "chance alone has a say in what is accepted");
  assertEquals(recorder.dropped, 0, "what nobody misses");
  clock.now = 60_000;
  assertEquals(wanted(Reason.AuthenticationRequired, null), 60);
});

Deno.test("recorder: hands over in order, a thousand at a time; what is not taken waits on", async () => {
  const recorder = recorderOf();
  for (let n = 0; n < 1500; n++) recorder.record(decision(n));
  const tried: string[] = [];
  const fail = ({ id }: NodeDecisions) => {
    tried.push(id);
    return Promise.reject(new Error("away"));
  };
  for (let times = 0; times < 2; times++) await assertRejects(() => recorder.handOver(fail), Error, "away");
  const taken: number[] = [];
  const take = (chunk: NodeDecisions) => {
    tried.push(chunk.id);
    taken.push(...decisionsOf(chunk));
    return Promise.resolve(true);
  };
  assertEquals(await recorder.handOver(take), true);
  assertEquals(await recorder.handOver(take), false);
  assertEquals(await recorder.handOver(take), false);
  assertEquals([taken, tried], [Array.from({ length: 1500 }, (_, n) => n), ["1", "1", "1", "2"]]);
});

Deno.test("recorder: a chunk that is refused for what it is holds up nothing, and is counted", async () => {
  const recorder = recorderOf();
  for (let n = 0; n < 1500; n++) recorder.record(decision(n));
  assertEquals(await recorder.handOver(() => Promise.resolve(false)), true);
  assertEquals([await recorder.handOver(() => Promise.resolve(true)), recorder.dropped], [false, 1000]);
});

Deno.test("recorder: what finds no room is left out and counted", () => {
  const recorder = recorderOf();
  for (let n = 0; n < 20_003; n++) recorder.record(decision(n));
  assertEquals(recorder.dropped, 3);
});
