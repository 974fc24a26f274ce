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

/** MAIL of an account whose day is far beyond its habit: the brake holds it back. `at` is in epoch ms. */
export const brakedDecision = (account: string, at: number): Decision => {
  const facts = {
    ...{
      status: "active",
      day: new Date(at).toISOString().slice(0, 10),
      used: 450,
      blocks: [{ quantity: 10, activatesAt: 0 }],
    } as const,
    ndr: { choice: "count", sharePercent: null } as const,
    today: { recipients: 10, outcomes: 10, refused: 0 },
    habit: { days: 10, relays: 150, recipients: 100, refusedPercent: 0 },
    brakeReleasedUntil: null,
  };
  return decisionOf("mail", { now: at, account: facts, sizeBytes: 0, sender: null, ownership: null }, { at, account });
};
