/** A node follows the control plane's policy, and tells it what happened. */
import { assertEquals, assertMatch } from "@std/assert";
import type { PolicyReport, PolicyState } from "../../../api/client.ts";
import { defaultParameters, moduleHash, ownModule, Reason } from "../../../policy/mod.ts";
import { PolicyFollower } from "../../../relay/policy/follower.ts";
import { DecisionRecorder } from "../../../relay/policy/recorder.ts";
import { mailFacts, NOON } from "../../policy/facts.ts";
import { FAULTS, onTrigger, policyModule, TRIGGER_BYTES } from "../../support/policy_modules.ts";

const OWN = ownModule().hash;
const BEGINNING: PolicyState = { version: 0, active: null, shadow: null, relaysPerBlock: 7, parameters: {} };

/** A control plane of a few lines, which keeps what it was told. */
function controlPlane(modules: readonly Uint8Array<ArrayBuffer>[] = []) {
  const reports: Omit<PolicyReport, "node">[] = [];
  const plane = {
    state: BEGINNING,
    down: false,
    decisions: 0,
    reports,
    policy(report: Omit<PolicyReport, "node">): Promise<PolicyState> {
      if (this.down) return Promise.reject(new Error("away"));
      reports.push(report);
      return Promise.resolve(this.state);
    },
    policyModule: (hash: string) => Promise.resolve(modules.find((octets) => moduleHash(octets) === hash)!),
    handOver: (count: number) => plane.decisions += count,
  };
  return plane;
}

function follow(plane: ReturnType<typeof controlPlane>) {
  const troubles: string[] = [];
  const follower = new PolicyFollower({
    controlPlane: {
      policy: (report) => plane.policy(report),
      policyModule: (hash) => plane.policyModule(hash),
      decisions: ({ count }) => {
        plane.handOver(count);
        return Promise.resolve(true);
      },
    },
    recorder: new DecisionRecorder({ samplePercent: 0, random: () => 0, newId: () => "chunk", monotonic: () => 0 }),
    onDecision: () => {},
    parameters: defaultParameters,
    now: () => NOON,
    monotonic: () => 0,
    onTrouble: (error) => troubles.push(String(error)),
    onNews: () => {},
  });
  return { follower, troubles };
}

Deno.test("follower: decides by what holds before anybody is let in, with what was set over the settings", async () => {
  const octets = policyModule();
  const plane = controlPlane([octets]);
  plane.state = {
    version: 5,
    active: moduleHash(octets),
    shadow: OWN,
    relaysPerBlock: 7,
    parameters: { maxRecipients: 3 },
  };
  const { follower } = follow(plane);
  await using _ = follower;
  await follower.start();
  const { live } = follower;
  assertEquals([live.module, live.shadow], [moduleHash(octets), OWN]);
  assertEquals([live.parameters.relaysPerBlock, live.parameters.maxRecipients], [7, 3]);
});

Deno.test("follower: says what it decides by, and takes over nothing while the control plane is away", async () => {
  const plane = controlPlane();
  const { follower, troubles } = follow(plane);
  await follower.start();
  plane.down = true;
  await follower[Symbol.asyncDispose]();
  assertEquals(troubles, ["Error: away"]);
  assertEquals(plane.reports.map(({ version, module }) => [version, module]), [[0, OWN]]);
  assertEquals(follower.live.module, OWN);
});

Deno.test("follower: a fault is told at once, again if need be, and once in the end", async () => {
  const octets = policyModule({ before: onTrigger(FAULTS.trap) });
  const plane = controlPlane([octets]);
  plane.state = { version: 1, active: moduleHash(octets), shadow: null, relaysPerBlock: 7, parameters: {} };
  const { follower } = follow(plane);
  await follower.start();
  plane.down = true;
  const facts = { ...mailFacts, sizeBytes: TRIGGER_BYTES };
  assertEquals(follower.live.decide("mail", facts).reason, Reason.PolicyFault);
  assertEquals(follower.live.decide("mail", facts).reason, Reason.Accepted);
  await new Promise((resolve) => setTimeout(resolve));
  plane.down = false;
  await follower[Symbol.asyncDispose]();
  const faults = plane.reports.flatMap(({ faults }) => faults);
  assertEquals(faults.map(({ module, shadow }) => [module, shadow]), [[moduleHash(octets), false]]);
  assertMatch(faults[0]!.detail, /^trap: /);
});

Deno.test("follower: octets that are not those of the hash are not taken over, the parameters are, and it is told", async () => {
  const plane = controlPlane();
  plane.policyModule = () => Promise.resolve(policyModule());
  plane.state = {
    version: 1,
    active: "b".repeat(64),
    shadow: null,
    relaysPerBlock: 7,
    parameters: { maxRecipients: 3 },
  };
  const { follower } = follow(plane);
  await follower.start();
  await follower[Symbol.asyncDispose]();
  assertEquals([follower.live.module, follower.live.parameters.maxRecipients], [OWN, 3]);
  assertEquals(plane.reports.flatMap(({ faults }) => faults), [
    { module: "b".repeat(64), shadow: false, detail: "Its octets are not those of the hash." },
  ]);
});

Deno.test("follower: what a shadow saw is told again until it has arrived, and goes on through a change of parameters", async () => {
  const octets = policyModule();
  const plane = controlPlane([octets]);
  plane.state = { version: 1, active: null, shadow: moduleHash(octets), relaysPerBlock: 7, parameters: {} };
  const { follower, troubles } = follow(plane);
  await follower.start();
  for (let n = 0; n < 3; n++) follower.live.decide("author", { ownership: "own" });
  await new Promise((resolve) => setTimeout(resolve));
  plane.down = true;
  await follower[Symbol.asyncDispose]();
  assertEquals(troubles, ["Error: away"]);
  plane.down = false;
  plane.state = { ...plane.state, version: 2, parameters: { maxRecipients: 3 } };
  await follower[Symbol.asyncDispose]();
  await follower[Symbol.asyncDispose]();
  assertEquals(plane.reports.map(({ compared }) => compared?.compared), [undefined, 3, 0]);
});

Deno.test("follower: what was decided until the end is handed over", async () => {
  const plane = controlPlane();
  const { follower } = follow(plane);
  await follower.start();
  for (let n = 0; n < 1234; n++) follower.live.decide("author", { ownership: "another's" }, "anna");
  await follower[Symbol.asyncDispose]();
  assertEquals(plane.decisions, 1234);
});
