/** Recorded decisions for tests: made by the program's own module, on facts as a node has them. */
import {
  type AccountFacts,
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

/** An active account with ten blocks, on the day of `at`. */
const accountOn = (at: number): AccountFacts => ({
  status: "active",
  day: new Date(at).toISOString().slice(0, 10),
  used: 450,
  blocks: [{ quantity: 10, activatesAt: 0 }],
  ndr: { choice: "count", sharePercent: null },
  today: { recipients: 10, outcomes: 10, refused: 0 },
  habit: { days: 10, relays: 150, recipients: 100, refusedPercent: 0 },
  brakeReleasedUntil: null,
});

/** MAIL of an account whose day is far beyond its habit: the brake holds it back. `at` is in epoch ms. */
export const brakedDecision = (account: string, at: number): Decision => {
  const facts = { now: at, account: accountOn(at), sizeBytes: 0, sender: null, ownership: null };
  return decisionOf("mail", facts, { at, account });
};

/** The counters' refusal of a message, or of a non-delivery report, at `now` of their clock. Times are in epoch ms. */
export const quotaDecision = (account: string, isNdr: boolean, now: number, at: number): Decision => {
  const facts = accountOn(now), asked = { now, account: facts, granted: false, limit: 1500, need: 1 };
  const reports = { used: 150, limit: 150, wish: facts.ndr };
  const found = isNdr ? { used: 450, ndr: reports } : { used: 1500, ndr: null };
  return decisionOf("quota", { ...asked, ...found }, { at, account });
};
