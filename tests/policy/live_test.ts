/** The policy of a running process: swapped between two decisions, beside a shadow, and when a module fails. */
import { assertEquals, assertThrows } from "@std/assert";
import { BLOCK_COUNT, BLOCK_QUANTITY } from "../../policy/assembly/layout.ts";
import {
  type Decision,
  decodeChunk,
  defaultParameters,
  encodeChunk,
  type FactsOf,
  LivePolicy,
  type LivePolicyOptions,
  openModule,
  ownModule,
  PolicyFault,
  Reason,
  type StageName,
} from "../../policy/mod.ts";
import { FAULTS, GROWING_MEMORY, onTrigger, policyModule, refusing, TRIGGER_BYTES } from "../support/policy_modules.ts";
import { account, mailFacts, messageFacts, NOON, quotaFacts, recipientFacts } from "./facts.ts";

const OWN = ownModule().hash;
const ACCEPTED = { reason: Reason.Accepted };
const trigger = { ...mailFacts, sizeBytes: TRIGGER_BYTES };

function live(changes: Partial<LivePolicyOptions> = {}) {
  const jobs: (() => void)[] = [];
  const recorded: Decision[] = [];
  const faults: [module: string, kind: string, shadow: boolean][] = [];
  const policy = new LivePolicy({
    parameters: defaultParameters,
    now: () => NOON,
    monotonic: () => 0,
    later: (job) => jobs.push(job),
    wants: (reason) => reason !== Reason.Accepted,
    record: (decision) => recorded.push(decision),
    onFault: (module, { kind }, shadow) => faults.push([module, kind, shadow]),
    ...changes,
  });
  /** Runs what was put off, and what that puts off. */
  const settle = () => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) job();
  };
  return { policy, recorded, faults, settle };
}

const good = () => openModule(policyModule());
const failing = (instructions: string) =>
  openModule(policyModule({ memory: GROWING_MEMORY, before: onTrigger(instructions) }));

Deno.test("live policy: from the swap on the new module decides, with the new parameters", () => {
  const { policy } = live();
  const noBlock = { ...mailFacts, account: { ...account, blocks: [] } };
  assertEquals([policy.module, policy.decide("mail", noBlock)], [OWN, { reason: Reason.NoBlock }]);
  const module = good();
  policy.use(module, defaultParameters);
  assertEquals([policy.module, policy.decide("mail", noBlock)], [module.hash, ACCEPTED]);
  policy.use(ownModule(), { ...defaultParameters, relaysPerBlock: 1 });
  assertEquals(policy.cap(account.blocks, NOON), 1);
});

Deno.test("live policy: parameters out of their bounds change nothing", () => {
  const { policy } = live();
  assertThrows(() => policy.use(good(), { ...defaultParameters, maxRecipients: 0 }), RangeError, "maxRecipients");
  assertEquals([policy.module, policy.parameters], [OWN, defaultParameters]);
});

const STOPPED = {
  ...{ loop: "timeout", trap: "trap", recursion: "trap", growth: "growth", "growth by nothing": "growth" },
  nonsense: "nonsense",
} as const;
for (const [fault, kind] of Object.entries(STOPPED)) {
  Deno.test(`live policy: a module with ${fault} is stopped, nobody is let in, and the last good one takes over`, () => {
    const { policy, faults } = live();
    const lastGood = good(), module = failing(FAULTS[fault as keyof typeof STOPPED]);
    policy.use(lastGood, defaultParameters);
    policy.use(module, defaultParameters);
    assertEquals(policy.decide("mail", mailFacts), ACCEPTED);
    assertEquals(policy.decide("mail", trigger), { reason: Reason.PolicyFault });
    assertEquals(faults, [[module.hash, kind, false]]);
    assertEquals([policy.module, policy.decide("mail", trigger)], [lastGood.hash, ACCEPTED]);
  });
}

Deno.test("live policy: two bad modules in a row end with the program's own", () => {
  const { policy, faults } = live();
  const first = failing(FAULTS.trap), second = failing(FAULTS.nonsense);
  policy.use(first, defaultParameters);
  policy.use(second, defaultParameters);
  policy.decide("mail", trigger);
  policy.decide("mail", trigger);
  assertEquals(faults.map(([module]) => module), [second.hash, first.hash]);
  assertEquals([policy.module, policy.decide("mail", trigger)], [OWN, ACCEPTED]);
});

Deno.test("live policy: a module that fails at a price is thrown, and the last good one takes over", () => {
  const { policy, faults } = live();
  policy.use(openModule(policyModule({ price: "(f64.const nan)" })), defaultParameters);
  assertThrows(() => policy.price(1, 1), PolicyFault, "nonsense");
  assertEquals([faults.length, policy.module, policy.price(1, 1)], [1, OWN, 1]);
});

Deno.test("live policy: a module of somebody else sees no facts of the decision before", () => {
  const leaky = policyModule({
    before: `(if (f64.ne (f64.load offset=272 (global.get $base)) (f64.const 0))
      (then (if (i32.eq (local.get $stage) (i32.const 2)) (then ${refusing(Reason.AccountSuspended)}))))`,
  });
  const { policy } = live();
  policy.use(openModule(leaky), defaultParameters);
  policy.decide("connection", { open: 1, fromAddress: 7 });
  assertEquals(policy.decide("mail", mailFacts), ACCEPTED);
});

Deno.test("live policy: a module of somebody else sees no blocks of another account", () => {
  const { policy } = live();
  const reads = `(if (f64.ne (f64.load offset=${BLOCK_QUANTITY} (global.get $base)) (f64.const 0))
    (then ${refusing(Reason.AccountSuspended)}))`;
  policy.use(
    openModule(policyModule({ before: `(if (i32.eq (local.get $stage) (i32.const 5)) (then ${reads}))` })),
    defaultParameters,
  );
  policy.decide("mail", mailFacts);
  assertEquals(policy.decide("author", { ownership: "own" }), ACCEPTED);
});

const WRITTEN = { "infinity": "inf", "more blocks than there can be": "100000000" };
for (const [what, value] of Object.entries(WRITTEN)) {
  Deno.test(`live policy: facts that a module overwrites with ${what} are recorded as they were`, () => {
    const { policy, recorded, settle } = live({ wants: () => true });
    const before = `(f64.store offset=${BLOCK_COUNT} (global.get $base) (f64.const ${value}))`;
    policy.use(openModule(policyModule({ before })), defaultParameters);
    policy.useShadow(ownModule());
    policy.decide("mail", mailFacts, "anna");
    settle();
    assertEquals([...decodeChunk(encodeChunk(recorded))], recorded);
    assertEquals(recorded[0]!.facts.at(-1), account.blocks[0]!.activatesAt);
    assertEquals(policy.shadowNews()!.differences, []);
  });
}

const NEVER: { readonly [Name in StageName]?: FactsOf[Name] } = {
  login: {
    ...{ ofAccount: { count: 7, ageMs: 1 }, fromPrefix: { count: 0, ageMs: 0 }, knownPlace: true },
    credentials: "wrong",
  },
  mail: { ...mailFacts, account: null },
  recipient: { ...recipientFacts, account: null },
  message: { ...messageFacts, bareLineEndings: true },
  author: { ownership: "another's" },
  quota: { ...quotaFacts, granted: false, used: 151 },
};
for (const [stage, facts] of Object.entries(NEVER)) {
  Deno.test(`live policy: what no module may accept at ${stage} is not accepted, whatever its self-test said`, () => {
    const { policy, faults } = live();
    const octets = policyModule({ before: refusing(Reason.Accepted) });
    policy.use(openModule(octets), defaultParameters);
    assertEquals(policy.decide(stage as StageName, facts as never), { reason: Reason.PolicyFault });
    assertEquals([faults.map(([, kind]) => kind), policy.module], [["nonsense"], OWN]);
  });
}

Deno.test("live policy: a price below one for each recipient is none", () => {
  const { policy } = live();
  policy.use(openModule(policyModule({ price: "(f64.const 1)" })), defaultParameters);
  assertEquals(policy.price(1, 1), 1);
  assertThrows(() => policy.price(1, 2), PolicyFault, "a price of 1 for 2 recipients");
});

Deno.test("live policy: a module that is slow in each answer is stopped before it has cost much", () => {
  const { policy, faults } = live();
  const slow = `(local.set $n (i32.const 60000000)) (loop $on (local.set $n (i32.sub (local.get $n) (i32.const 1)))
    (br_if $on (local.get $n)))`;
  policy.use(openModule(policyModule({ before: slow })), defaultParameters);
  for (let n = 0; n < 100 && faults.length === 0; n++) policy.decide("author", { ownership: "own" });
  assertEquals(faults.map(([, kind]) => kind), ["timeout"]);
});

Deno.test("live policy: what is wanted is recorded with module, account and facts; what is only foreseen is not", () => {
  const { policy, recorded } = live();
  const suspended = { ...mailFacts, account: { ...account, status: "suspended" as const } };
  policy.foresee("mail", suspended);
  policy.decide("mail", mailFacts, "anna");
  policy.decide("mail", suspended, "anna");
  assertEquals(
    recorded.map(({ stage, at, account, module, reason, data }) => ({ stage, at, account, module, reason, data })),
    [
      { stage: "mail", at: NOON, account: "anna", module: OWN, reason: Reason.AccountSuspended, data: [] },
    ],
  );
});

Deno.test("live policy: what is accepted is a decision, recorded and compared once; what is not is only foreseen", () => {
  const { policy, recorded, settle } = live({ wants: () => true });
  policy.useShadow(good());
  const suspended = { ...mailFacts, account: { ...account, status: "suspended" as const } };
  assertEquals(policy.accept("mail", suspended, "anna"), null);
  settle();
  assertEquals([recorded.length, policy.shadowNews()!.compared], [0, 0]);
  assertEquals(policy.accept("mail", mailFacts, "anna"), ACCEPTED);
  settle();
  assertEquals(recorded.map(({ account, reason }) => [account, reason]), [["anna", Reason.Accepted]]);
  assertEquals(policy.shadowNews()!.compared, 1);
});

Deno.test("live policy: a module that fails while it might accept decides no more, and nobody has decided", () => {
  const { policy, recorded, faults } = live({ wants: () => true });
  const module = failing(FAULTS.trap);
  policy.use(module, defaultParameters);
  assertThrows(() => policy.accept("mail", trigger, "anna"), PolicyFault);
  assertEquals([recorded, faults, policy.module], [[], [[module.hash, "trap", false]], OWN]);
});

Deno.test("shadow: decides nothing, and counts where it would have answered otherwise", () => {
  const { policy, settle } = live();
  const module = good();
  policy.useShadow(module);
  const suspended = { ...mailFacts, account: { ...account, status: "suspended" as const } };
  for (let n = 0; n < 3; n++) assertEquals(policy.decide("mail", suspended).reason, Reason.AccountSuspended);
  policy.decide("mail", mailFacts);
  assertEquals(policy.shadowNews()!.compared, 0);
  settle();
  const news = {
    module: module.hash,
    ...{ compared: 4, left: 0 },
    differences: [{ stage: "mail", was: Reason.AccountSuspended, would: Reason.Accepted, count: 3 }],
  } as const;
  assertEquals(policy.shadowNews(), news);
  // Until it has arrived, it is told again.
  policy.decide("mail", suspended);
  settle();
  assertEquals(policy.shadowNews()!.compared, 5);
  policy.shadowTold(news);
  assertEquals(policy.shadowNews(), {
    ...news,
    compared: 1,
    differences: [{ ...news.differences[0], count: 1 }],
  });
});

Deno.test("shadow: what finds no room to wait is counted as left out", () => {
  const { policy, settle } = live();
  policy.useShadow(good());
  for (let n = 0; n < 10_005; n++) policy.decide("author", { ownership: "own" });
  settle();
  const news = policy.shadowNews()!;
  assertEquals([news.compared, news.left], [10_000, 5]);
});

Deno.test("shadow: one that fails ends alone", () => {
  const { policy, faults, settle } = live();
  const module = failing(FAULTS.loop);
  policy.useShadow(module);
  assertEquals(policy.decide("mail", trigger), ACCEPTED);
  settle();
  assertEquals([faults, policy.shadow, policy.module], [[[module.hash, "timeout", true]], null, OWN]);
  assertEquals(policy.decide("mail", trigger), ACCEPTED);
});

Deno.test("modules: an instance has a memory of its own, and a hash of its octets", () => {
  const one = ownModule(), other = ownModule();
  assertEquals(one.hash, other.hash);
  assertEquals(one.engine.memory.buffer === other.engine.memory.buffer, false);
  assertEquals([openModule(one.octets).own, good().own], [true, false]);
});
