/**
 * The self-test of a module: facts of every stage, ordinary ones and extremes. Every answer must come in time and have a
 * meaning, the same facts must have the same answer, and what no module may accept (never.ts) must be refused.
 */
import type { AccountFacts, FactsOf, StageName } from "./facts.ts";
import { PolicyFault } from "./fault.ts";
import { reasonName } from "./names.ts";
import type { ModulePolicy } from "./policy.ts";
import type { Verdict } from "./verdict.ts";

/** 2026-11-23T12:00:00Z, and the day before it began. */
const NOON = 1_795_435_200_000;
const DAY = "2026-11-23";
const MANY = Number.MAX_SAFE_INTEGER;
const END_OF_TIME = 253_402_214_399_999;

const account: AccountFacts = {
  status: "active",
  day: DAY,
  used: 10,
  blocks: [{ quantity: 1, activatesAt: 0 }],
  ndr: { choice: "count", sharePercent: null },
  today: { recipients: 5, outcomes: 5, refused: 0 },
  habit: { days: 10, relays: 20, recipients: 10, refusedPercent: 2 },
  brakeReleasedUntil: null,
};
const extreme: AccountFacts = {
  status: "active",
  day: "9999-12-30",
  used: MANY,
  blocks: Array.from({ length: 4096 }, (_, n) => ({ quantity: 1_000_000, activatesAt: n })),
  ndr: { choice: "limit", sharePercent: 100 },
  today: { recipients: MANY, outcomes: MANY, refused: MANY },
  habit: { days: MANY, relays: MANY, recipients: MANY, refusedPercent: 100 },
  brakeReleasedUntil: END_OF_TIME,
};
const domain = { existence: "exists", mx: "usable", address: "absent" } as const;
const login: FactsOf["login"] = {
  ofAccount: { count: 0, ageMs: 0 },
  fromPrefix: { count: 0, ageMs: 0 },
  knownPlace: false,
  credentials: "not-checked",
};
const mail: FactsOf["mail"] = { now: NOON, account, sizeBytes: 0, sender: domain, ownership: "own" };
const recipient: FactsOf["recipient"] = { now: NOON, account, sizeBytes: 0, recipients: 0, suppressed: false, domain };
const message: FactsOf["message"] = {
  sizeBytes: 1000,
  bareLineEndings: false,
  receivedFields: 0,
  headerTooLong: false,
  fromFields: 1,
  fromTooLong: false,
  nullReversePath: false,
  reportType: "none",
  autoSubmitted: "no",
  failedRecipientsField: false,
  ndrChoice: "count",
};
const quota: FactsOf["quota"] = {
  now: NOON,
  account,
  granted: true,
  used: 10,
  limit: 150,
  need: 1,
  ndr: null,
};

type Vector = { readonly [Name in StageName]: readonly [stage: Name, facts: FactsOf[Name]] }[StageName];

const VECTORS: readonly Vector[] = [
  ["connection", { open: 1, fromAddress: 1 }],
  ["connection", { open: MANY, fromAddress: MANY }],
  ["login", login],
  ["login", { ...login, credentials: "right" }],
  ["login", { ...login, ofAccount: { count: MANY, ageMs: 0 }, fromPrefix: { count: MANY, ageMs: MANY } }],
  ["login", { ...login, credentials: "wrong" }],
  ["mail", mail],
  ["mail", { ...mail, account: extreme, now: END_OF_TIME, sizeBytes: MANY }],
  ["mail", { ...mail, sender: null, ownership: null }],
  ["mail", { ...mail, account: null }],
  ["mail", { ...mail, ownership: "another's" }],
  ["recipient", recipient],
  ["recipient", { ...recipient, suppressed: true }],
  ["recipient", { ...recipient, account: extreme, recipients: MANY, now: END_OF_TIME }],
  ["message", message],
  ["message", { ...message, sizeBytes: MANY, receivedFields: MANY, fromFields: MANY }],
  ["message", { ...message, bareLineEndings: true }],
  ["message", { ...message, fromFields: 2 }],
  ["author", { ownership: "own" }],
  ["author", { ownership: "unclaimed" }],
  ["author", { ownership: "another's" }],
  ["quota", quota],
  ["quota", { ...quota, now: END_OF_TIME, account: extreme, used: MANY, limit: MANY }],
  ["quota", { ...quota, granted: false, used: 150 }],
  ["quota", { ...quota, granted: false, used: MANY, limit: MANY, need: MANY }],
];

/** @returns what is wrong, each in a sentence. */
export function selfTest(policy: ModulePolicy): string[] {
  try {
    return [...VECTORS.flatMap((vector) => tried(policy, vector)), ...calculations(policy)];
  } catch (error) {
    if (!(error instanceof PolicyFault)) throw error;
    return [`It fails the self-test: ${error.message}.`];
  }
}

function tried(policy: ModulePolicy, [stage, facts]: Vector): string[] {
  // The table's type pairs each stage with its facts; TypeScript cannot follow that through a union.
  const decide = () => policy.decide(stage, facts as never);
  const verdict = decide();
  // Asked anew in between, so that what a module remembers would show.
  policy.decide("connection", { open: 1, fromAddress: 1 });
  const again = decide();
  if (same(verdict, again)) return [];
  const answers = `${reasonName(verdict.reason)}, then ${reasonName(again.reason)}`;
  return [`At ${stage} it answers the same facts differently: ${answers}.`];
}

function same(one: Verdict, other: Verdict): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function calculations(policy: ModulePolicy): string[] {
  const wrong: string[] = [];
  policy.price(0, 1);
  const cap = policy.cap(account.blocks, NOON);
  if (policy.ndrCap(account.blocks, NOON, account.ndr) > cap) {
    wrong.push("Non-delivery reports may not use more than the day's relays.");
  }
  policy.isNdr(message);
  return wrong;
}
