/** Facts of every stage by chance: mostly near the limits, where rules change their minds. */
import fc from "fast-check";
import {
  type AccountFacts,
  type Block,
  defaultParameters,
  type FactsOf,
  type Parameters,
  type StageName,
} from "../../policy/mod.ts";
import { MAX_SIZE, MINUTE, NOON } from "./facts.ts";

const HOUR = 60 * MINUTE;

export const someBlock: fc.Arbitrary<Block> = fc.record({
  quantity: fc.integer({ min: 1, max: 3 }),
  activatesAt: fc.integer({ min: -36, max: 36 }).map((hours) => NOON + hours * HOUR),
});

export const someNow = fc.tuple(fc.integer({ min: -13, max: 13 }), fc.integer({ min: -1, max: 1 }))
  .map(([hours, ms]) => NOON + hours * HOUR + ms);

export const someSize = fc.oneof(
  fc.constantFrom(0, 10_485_759, 10_485_760, MAX_SIZE - 1, MAX_SIZE, MAX_SIZE + 1),
  fc.integer({ min: 0, max: 2 * MAX_SIZE }),
);

const few = fc.integer({ min: 0, max: 60 });
const relays = fc.integer({ min: 0, max: 1200 });
const percent = fc.integer({ min: 0, max: 100 });
const wish = fc.record({
  choice: fc.constantFrom("count" as const, "limit" as const, "refuse" as const),
  sharePercent: fc.option(fc.integer({ min: 1, max: 100 })),
});

export const someAccount: fc.Arbitrary<AccountFacts> = fc.record({
  status: fc.constantFrom("active" as const, "active" as const, "active" as const, "suspended" as const),
  day: fc.constantFrom("2026-11-22", "2026-11-23", "2026-11-23", "2026-11-24"),
  used: relays,
  blocks: fc.array(someBlock, { maxLength: 4 }),
  ndr: wish,
  today: fc.record({ recipients: relays, outcomes: few, refused: few }),
  habit: fc.record({ days: fc.integer({ min: 0, max: 6 }), relays, recipients: relays, refusedPercent: percent }),
  brakeReleasedUntil: fc.option(fc.constantFrom(NOON - HOUR, NOON, NOON + HOUR)),
});

const domain = fc.option(fc.record({
  existence: fc.constantFrom("exists" as const, "exists" as const, "missing" as const, "failed" as const),
  mx: fc.constantFrom("none", "null", "usable", "names-address", "unresolvable", "failed" as const),
  address: fc.constantFrom("present" as const, "absent" as const, "failed" as const),
}));
const ownership = fc.constantFrom("unclaimed" as const, "own" as const, "another's" as const);
const failures = fc.record({ count: fc.integer({ min: 0, max: 30 }), ageMs: fc.integer({ min: 0, max: 700_000 }) });

type Arbitraries = { readonly [Name in StageName]: fc.Arbitrary<FactsOf[Name]> };

export const someFacts: Arbitraries = {
  connection: fc.record({
    open: fc.integer({ min: 1, max: 10_010 }),
    fromAddress: fc.integer({ min: 1, max: 60 }),
  }),
  login: fc.record({
    ofAccount: failures,
    fromPrefix: failures,
    knownPlace: fc.boolean(),
    credentials: fc.constantFrom("not-checked" as const, "right" as const, "wrong" as const),
  }),
  mail: fc.record({
    now: someNow,
    account: fc.option(someAccount, { freq: 20 }),
    sizeBytes: someSize,
    sender: domain,
    ownership: fc.option(ownership),
  }),
  recipient: fc.record({
    now: someNow,
    account: fc.option(someAccount, { freq: 20 }),
    sizeBytes: someSize,
    recipients: fc.integer({ min: 0, max: 110 }),
    suppressed: fc.boolean(),
    domain,
  }),
  message: fc.record({
    sizeBytes: someSize,
    bareLineEndings: fc.boolean(),
    receivedFields: fc.integer({ min: 0, max: 55 }),
    headerTooLong: fc.boolean(),
    fromFields: fc.integer({ min: 0, max: 2 }),
    fromTooLong: fc.boolean(),
    nullReversePath: fc.boolean(),
    reportType: fc.constantFrom("none" as const, "delivery-status" as const, "another" as const),
    autoSubmitted: fc.constantFrom("no" as const, "generated" as const, "replied" as const, "failure" as const),
    failedRecipientsField: fc.boolean(),
    ndrChoice: fc.constantFrom("count" as const, "limit" as const, "refuse" as const),
  }),
  author: fc.record({ ownership }),
  quota: fc.record({
    now: someNow,
    account: fc.option(fc.record({
      status: fc.constantFrom("active" as const, "suspended" as const),
      blocks: fc.array(someBlock, { maxLength: 4 }),
    })),
    granted: fc.boolean(),
    used: relays,
    limit: relays,
    need: fc.integer({ min: 1, max: 600 }),
    ndr: fc.option(fc.record({ used: relays, limit: relays, wish })),
  }),
};

/** Parameters that an operator may have set: some of them other than the defaults. */
export const someParameters: fc.Arbitrary<Parameters> = fc.record({
  relaysPerBlock: fc.constantFrom(150, 1, 1000),
  maxRecipients: fc.constantFrom(100, 5),
  claimedDomainsOnly: fc.constantFrom(0, 1),
  ndrSharePercent: fc.constantFrom(20, 1, 100),
  brakeHabitDays: fc.constantFrom(3, 1),
  brakeFloorRelays: fc.constantFrom(150, 1),
  brakeRelaysPercent: fc.constantFrom(300, 100),
  brakeFloorRefused: fc.constantFrom(20, 1),
}).map((changed) => ({ ...defaultParameters, ...changed }));
