/**
 * Decides recorded decisions again, with another module or other parameters, and finds what would change.
 *
 * A chunk at a time under one guard, so that a module of somebody else costs hardly more than ours. Pure.
 */
import { type Decision, type DecisionChunk, decodeChunk } from "./decision.ts";
import { guarded } from "./engine.ts";
import { openUnguarded, type PolicyModule } from "./module.ts";
import { defaultParameters, type Parameters } from "./parameters.ts";
import { type Answer, ModulePolicy } from "./policy.ts";
import { decideAgain, sameData } from "./shadow.ts";

export interface Change {
  readonly decision: Decision;
  readonly would: Answer;
}

/** A decision that is as it was takes some microseconds at most; a chunk has some thousands. */
const CHUNK_LIMIT_MS = 10_000;

export class Replay {
  readonly #module: PolicyModule;
  readonly #other: Partial<Parameters>;
  /** What the decisions at hand were made with, and the policy that decides them again. */
  #was: Parameters | undefined;
  #policy: ModulePolicy | undefined;

  /**
   * @param octets of a module that was checked.
   * @param other parameters that are to be other than they were when a decision was made.
   */
  constructor(octets: Uint8Array<ArrayBuffer>, other: Partial<Parameters>) {
    this.#module = openUnguarded(octets);
    this.#other = other;
  }

  /**
   * What would change of a chunk's decisions, in their order.
   *
   * @throws {PolicyFault} the module failed. @throws {BadChunk} @throws RangeError a parameter is out of its bounds.
   */
  changes(chunk: DecisionChunk): Change[] {
    const decisions = [...decodeChunk(chunk)];
    const decideAll = () => decisions.flatMap((decision) => this.#change(decision));
    return this.#module.own ? decideAll() : guarded(decideAll, CHUNK_LIMIT_MS);
  }

  #change(decision: Decision): Change[] {
    const would = decideAgain(this.#policyFor(decision.parameters), decision);
    return would.reason === decision.reason && sameData(would.data, decision.data) ? [] : [{ decision, would }];
  }

  #policyFor(was: Parameters): ModulePolicy {
    if (this.#policy === undefined || this.#was !== was) {
      this.#policy = new ModulePolicy(this.#module, { ...defaultParameters, ...was, ...this.#other });
      this.#was = was;
    }
    return this.#policy;
  }
}
