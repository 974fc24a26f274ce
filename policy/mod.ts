/**
 * The policy for the rest of the house: rules in a WebAssembly module without imports (assembly/, ABI.md), asked with
 * plain facts, answering with verdicts.
 *
 * What is where: facts.ts and verdict.ts are the words, parameters.ts the figures, wording.ts the replies; policy.ts
 * asks a module, live.ts swaps it in a running process; decision.ts and replay.ts record and decide again;
 * module_check.ts says whether a module may decide at all.
 */
export { ABI_VERSION } from "./assembly/layout.ts";
export { Reason } from "./assembly/reason.ts";
export { chunkFromJson, chunkToJson, type DecisionChunkJson } from "./chunk_json.ts";
export { BadChunk, type Decision, type DecisionChunk, decodeChunk, encodeChunk } from "./decision.ts";
export { DECISION_LIMIT_MS } from "./engine.ts";
export type * from "./facts.ts";
export { PolicyFault } from "./fault.ts";
export { LivePolicy, type LivePolicyOptions } from "./live.ts";
export { toVerdict } from "./verdict_reading.ts";
export { moduleHash, openModule, OWN_HASH, ownModule, type PolicyModule } from "./module.ts";
export { checkModule, MAX_MODULE_OCTETS } from "./module_check.ts";
export { reasonName, ruleName, STAGE_NAMES, stageName } from "./names.ts";
export {
  defaultParameters,
  PARAMETER_NAMES,
  parameterMistake,
  type ParameterName,
  PARAMETERS,
  type Parameters,
} from "./parameters.ts";
export { ModulePolicy, type Policy, type RuleVerdict, verdictWords } from "./policy.ts";
export { type Change, Replay } from "./replay.ts";
export type { Difference, ShadowNews } from "./shadow.ts";
export type * from "./verdict.ts";
export { brakedWords, helpPageOf, type Refusal, type RefusalContext, refusalOf } from "./wording.ts";
