/**
 * Question: what do other sessions feel of a module of somebody else, and of one that loops and is stopped?
 * Unit: ms from connecting to the 250 at the end of the data, of one client after another's message.
 * Workload: a customer who sends a short message every 50 ms, for 15 s each: with the program's own module, with
 * another one, while that one is replaced five times by one that loops (each is asked once, stopped and rolled back),
 * and with the program's own again.
 * Machine: it says which.
 *
 *     deno run -A tests/bench/policy_swap.ts
 */
import { delay } from "@std/async/delay.js";
import { askedAboutTrigger, loadModule, takenOver } from "../support/policy_client.ts";
import { FAULTS, onTrigger, policyModule } from "../support/policy_modules.ts";
import { HealthyClient } from "./healthy_client.ts";
import { describeMachine, watchRelay } from "./watched_relay.ts";

const PHASE_MS = 15_000;
const LOOPS = 5;

await using watched = await watchRelay({});
const { relay } = watched;
const client = new HealthyClient(relay.smtpPort);
await delay(2000);
client.summary();

console.log(describeMachine());
await delay(PHASE_MS);
console.log(`own module          ${client.summary()}`);
await loadModule(relay, policyModule());
client.summary();
await delay(PHASE_MS);
console.log(`another module      ${client.summary()}`);
for (let n = 0; n < LOOPS; n++) {
  await loadModule(relay, policyModule({ before: onTrigger(FAULTS.loop) }));
  const from = performance.now();
  const answer = await askedAboutTrigger(relay);
  console.log(`  a loop was stopped after ${(performance.now() - from).toFixed(0)} ms: ${answer}`);
  await takenOver(relay);
}
console.log(`${LOOPS} modules that loop ${client.summary()}`);
await relay.api("PATCH", "/policy", { active: "own" });
await takenOver(relay);
client.summary();
await delay(PHASE_MS);
console.log(`own module again    ${client.summary()}`);
await client.stop();
