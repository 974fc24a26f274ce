/** Recorded decisions for tests: made by the program's own module, on facts as a node has them. */
import {
  type Decision,
  defaultParameters,
  type FactsOf,
  LivePolicy,
  type Parameters,
  type StageName,
} from "../../policy/mod.ts";

export interface DecisionContext {
  /** Epoch ms. */
  readonly at: number;
  readonly account?: string | null;
}

/** Makes recorded decisions by one set of parameters. */
export function decisionMaker(parameters: Parameters = defaultParameters) {
  let at = 0;
  let last: Decision | undefined;
  const policy = new LivePolicy({
    parameters,
    now: () => at,
    monotonic: () => 0,
    later: () => {},
    wants: () => true,
    record: (decision) => last = decision,
    onFault: (_module, fault) => {
      throw fault;
    },
  });
  return <Stage extends StageName>(stage: Stage, facts: FactsOf[Stage], context: DecisionContext): Decision => {
    at = context.at;
    policy.decide(stage, facts, context.account ?? null);
    return last!;
  };
}

export const decisionOf = decisionMaker();
