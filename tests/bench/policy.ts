/**
 * Question: how large is the policy module, what does one decision cost, and what does it cost when the module is
 * somebody else's?
 * Unit: octets; ns a decision, facts written and verdict read included: median of the rounds, with min and max.
 * Workload: a decision of each stage that accepts, 200,000 in a row (5,000 under guard), in seven alternating rounds.
 * Machine: it says which.
 *
 *     deno task bench
 */
import Table from "cli-table3";
import { guardedEngine, type ModuleExports, trustedEngine } from "../../policy/engine.ts";
import { defaultParameters, type FactsOf, ModulePolicy, ownModule, STAGE_NAMES } from "../../policy/mod.ts";
import { encodeChunk } from "../../policy/decision.ts";
import { readFacts } from "../../policy/recorded_facts.ts";
import { account, mailFacts, messageFacts, quotaFacts, recipientFacts } from "../policy/facts.ts";
import { describeMachine, quantile } from "./watched_relay.ts";

const ROUNDS = 7;
const STRAIGHT = 200_000;
const GUARDED = 5000;

const facts: FactsOf = {
  connection: { open: 10, fromAddress: 1 },
  login: {
    ofAccount: { count: 0, ageMs: 0 },
    fromPrefix: { count: 0, ageMs: 0 },
    knownPlace: true,
    credentials: "right",
  },
  mail: mailFacts,
  recipient: recipientFacts,
  message: messageFacts,
  author: { ownership: "own" },
  quota: { ...quotaFacts, account, granted: true },
};

const module = ownModule();
const exports = new WebAssembly.Instance(new WebAssembly.Module(module.octets)).exports as unknown as ModuleExports;
const other = new WebAssembly.Instance(new WebAssembly.Module(module.octets)).exports as unknown as ModuleExports;
const ways = {
  ours: new ModulePolicy({ ...module, engine: trustedEngine(exports) }, defaultParameters),
  guarded: new ModulePolicy({ ...module, own: false, engine: guardedEngine(other) }, defaultParameters),
};

function measure(decide: () => unknown, times: number): number {
  const from = performance.now();
  for (let n = 0; n < times; n++) decide();
  return (performance.now() - from) * 1e6 / times;
}

const spread = (ns: number[]) => {
  const [median, min, max] = [0.5, 0, 1].map((part) => quantile(ns, part).toFixed(0));
  return `${median} (${min} to ${max})`;
};

const decideWith = (policy: ModulePolicy, stage: keyof FactsOf) => () => policy.decide(stage, facts[stage] as never);
const table = new Table({
  head: ["stage", "ns", "module alone, ns", "under guard, ns", "octets recorded"],
  style: { head: [] },
});
for (const stage of STAGE_NAMES) {
  const results: Record<"ours" | "alone" | "guarded", number[]> = { ours: [], alone: [], guarded: [] };
  const code = STAGE_NAMES.indexOf(stage);
  for (let round = 0; round < ROUNDS; round++) {
    results.ours.push(measure(decideWith(ways.ours, stage), STRAIGHT));
    results.alone.push(measure(() => exports.decide(code), STRAIGHT));
    results.guarded.push(measure(decideWith(ways.guarded, stage), GUARDED));
  }
  const answer = ways.ours.decideOn(stage, () => {});
  const decision = { ...answer, stage, at: 0, account: "anna", module: module.hash, parameters: defaultParameters };
  const recorded = encodeChunk([{ ...decision, facts: readFacts(ways.ours.memory, stage) }]).octets.length;
  table.push([stage, spread(results.ours), spread(results.alone), spread(results.guarded), recorded]);
}
console.log(describeMachine());
console.log(
  `module: ${module.octets.length} octets, ${
    WebAssembly.Module.imports(new WebAssembly.Module(module.octets)).length
  } imports`,
);
console.log(table.toString());
