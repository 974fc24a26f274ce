/**
 * The compiled module and its source as plain TypeScript agree on any facts, and both agree with a naive oracle.
 *
 * 10,000 facts; a million with MAILHOP_TEST_SIZE=large.
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { defaultParameters, ModulePolicy, ownModule, Reason, STAGE_NAMES } from "../../policy/mod.ts";
import { holds } from "../support/size.ts";
import { someAccount, someBlock, someFacts, someNow, someParameters, someSize } from "./arbitrary_facts.ts";
import { ABI_VERSION } from "../../policy/assembly/layout.ts";
import { account as ordinary } from "./facts.ts";
import { naiveCap, naivePrice, naiveQuota } from "./oracle.ts";
import { plainExports, plainModule } from "./plain_source.ts";

const FACTS = { ci: 10_000, large: 1_000_000 };
const ORACLE = { ci: 4000, large: 200_000 };
const file = import.meta.filename;
const { relaysPerBlock, priceStepBytes } = defaultParameters;
const module = ownModule();

/** Facts of one stage, with the stage. */
const someDecision = fc.oneof(...STAGE_NAMES.map((stage) => someFacts[stage].map((facts) => ({ stage, facts }))));

Deno.test("agreement: module and plain source decide and explain the same, with any parameters", async () => {
  const property = fc.property(someDecision, someParameters, ({ stage, facts }, parameters) => {
    const compiled = new ModulePolicy(module, parameters), plain = new ModulePolicy(plainModule, parameters);
    // The table pairs each stage with its facts; TypeScript cannot follow that through a union.
    assertEquals(compiled.decide(stage, facts as never), plain.decide(stage, facts as never));
    assertEquals(compiled.explain(stage, facts as never), plain.explain(stage, facts as never));
  });
  await holds(property, FACTS, file);
});

Deno.test("agreement: module and plain source compute the same prices, caps and reports", async () => {
  const facts = fc.tuple(someSize, fc.nat(1000), fc.array(someBlock), someNow, someAccount, someFacts.message);
  const property = fc.property(
    facts,
    someParameters,
    ([size, recipients, blocks, now, { ndr }, report], parameters) => {
      const [compiled, plain] = [module, plainModule].map((each) => {
        const policy = new ModulePolicy(each, parameters);
        return [
          ...[policy.price(size, recipients), policy.cap(blocks, now), policy.ndrCap(blocks, now, ndr)],
          policy.isNdr(report),
        ];
      });
      assertEquals(compiled, plain);
    },
  );
  await holds(property, ORACLE, file);
  assertEquals([plainExports.abi(), plainExports.base()], [ABI_VERSION, 0]);
});

Deno.test("agreement: a stage that there is not has no rules, and a rule that there is not refuses nothing", () => {
  for (const { engine } of [module, plainModule]) {
    assertEquals([engine.ruleAt(99, 0), engine.decide(99), engine.judge(999)], [0, Reason.Accepted, Reason.Accepted]);
  }
});

Deno.test("agreement: the verdict is the first refusal of its rules", async () => {
  const policy = new ModulePolicy(module, defaultParameters);
  const property = fc.property(someDecision, ({ stage, facts }) => {
    const verdicts = policy.explain(stage, facts as never).map(({ verdict }) => verdict);
    const first = verdicts.find(({ reason }) => reason !== Reason.Accepted) ?? { reason: Reason.Accepted };
    assertEquals(policy.decide(stage, facts as never), first);
  });
  await holds(property, ORACLE, file);
});

for (const [name, each] of [["module", module], ["plain source", plainModule]] as const) {
  Deno.test(`agreement: ${name} and a naive oracle: price, cap, UTC day and quota at MAIL and RCPT`, async () => {
    const policy = new ModulePolicy(each, defaultParameters);
    const smallEnough = someSize.filter((size) => size <= defaultParameters.maxSizeBytes);
    const recipients = fc.integer({ min: 0, max: 99 });
    const property = fc.property(someAccount, someNow, smallEnough, recipients, (drawn, now, sizeBytes, recipients) => {
      const { today, habit, brakeReleasedUntil } = ordinary;
      const account = { ...drawn, today, habit, brakeReleasedUntil };
      const price = naivePrice(sizeBytes, 1, priceStepBytes);
      assertEquals(policy.price(sizeBytes, recipients), price * recipients);
      assertEquals(policy.cap(account.blocks, now), naiveCap(account.blocks, now, relaysPerBlock));
      assertEquals(
        policy.decide("mail", { now, account, sizeBytes, sender: null, ownership: null }),
        naiveQuota(account, now, price, relaysPerBlock),
      );
      assertEquals(
        policy.decide("recipient", { now, account, sizeBytes, recipients, suppressed: false, domain: null }),
        naiveQuota(account, now, price * (recipients + 1), relaysPerBlock),
      );
    });
    await holds(property, ORACLE, file);
  });

  Deno.test(`agreement: ${name} and a naive oracle: quota behind a reservation`, async () => {
    const policy = new ModulePolicy(each, defaultParameters);
    const property = fc.property(someAccount, someNow, fc.integer({ min: 1, max: 600 }), (account, now, need) => {
      const limit = naiveCap(account.blocks, now, relaysPerBlock);
      // The counter store's count is of its own day.
      const expected = naiveQuota({ ...account, day: "9999-01-01" }, now, need, relaysPerBlock);
      const granted = expected.reason === Reason.Accepted;
      const facts = { now, account, granted, used: account.used, limit, need, ndr: null };
      assertEquals(policy.decide("quota", facts), expected);
    });
    await holds(property, ORACLE, file);
  });
}
