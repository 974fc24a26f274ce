import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type AccountFacts, type Block, type QuotaFacts, Reason, type Verdict } from "../../policy/mod.ts";
import { account as ordinary, MIDNIGHT, MINUTE, NOON, policy, quotaFacts } from "./facts.ts";

const quota = (change: Partial<QuotaFacts>) => policy.decide("quota", { ...quotaFacts, ...change });

Deno.test("quota: a granted reservation is accepted, whatever the other facts say", () => {
  assertEquals(quota({ granted: true, used: 149 }), { reason: Reason.Accepted });
  const facts = { account: { status: "suspended", blocks: [] }, limit: 0 } as const;
  assertEquals(quota({ granted: true, ...facts }), { reason: Reason.Accepted });
});

Deno.test("quota: a refused one says used, limit, need and reset", () => {
  assertEquals(quota({ used: 148, need: 3 }), {
    reason: Reason.QuotaExceeded,
    used: 148,
    limit: 150,
    need: 3,
    resetsAt: MIDNIGHT,
    pendingActivatesAt: null,
  });
});

Deno.test("quota: a refused one is told of suspension, then of no block, then of a pending one", () => {
  const activatesAt = NOON + MINUTE;
  const having = (status: AccountFacts["status"], blocks: Block[]) => ({ account: { status, blocks }, limit: 0 });
  assertEquals(quota({ account: null, limit: 0 }), { reason: Reason.AuthenticationRequired });
  assertEquals(quota(having("suspended", [])), { reason: Reason.AccountSuspended });
  assertEquals(quota(having("active", [])), { reason: Reason.NoBlock });
  assertEquals(quota({ ...having("active", [{ quantity: 1, activatesAt }]), used: 0 }), {
    reason: Reason.BlockPending,
    activatesAt,
  });
});

Deno.test("quota: refused with room to spare is the counter store's trouble, not the customer's", () => {
  assertEquals(quota({ used: 10, need: 3 }), { reason: Reason.ReservationRefused });
});

Deno.test("quota: counts that are no whole numbers are thrown", () => {
  for (const name of ["now", "used", "limit", "need"]) {
    for (const bad of [NaN, -1, 0.5]) assertThrows(() => quota({ [name]: bad }), RangeError, name);
  }
});

/** service.md's rules, written down once more without any cleverness. */
function oracle(account: AccountFacts, now: number, need: number): Verdict {
  const resetsAt = new Date(now).setUTCHours(24, 0, 0, 0);
  const limit = account.blocks.filter((block) => block.activatesAt <= now).reduce(
    (sum, b) => sum + b.quantity * 150,
    0,
  );
  const pending = account.blocks.map((block) => block.activatesAt).filter((at) => at > now).sort((a, b) => a - b);
  const used = account.day < new Date(now).toISOString().slice(0, 10) ? 0 : account.used;
  if (account.status === "suspended") return { reason: Reason.AccountSuspended };
  if (account.blocks.length === 0) return { reason: Reason.NoBlock };
  if (limit === 0) return { reason: Reason.BlockPending, activatesAt: pending[0] ?? NaN };
  if (used + need <= limit) return { reason: Reason.Accepted };
  const pendingActivatesAt = pending.find((at) => at < resetsAt) ?? null;
  return { reason: Reason.QuotaExceeded, used, limit, need, resetsAt, pendingActivatesAt };
}

const HOUR = 60 * MINUTE;
const block: fc.Arbitrary<Block> = fc.record({
  quantity: fc.integer({ min: 1, max: 3 }),
  activatesAt: fc.integer({ min: -36, max: 36 }).map((hours) => NOON + hours * HOUR),
});
const someAccount: fc.Arbitrary<AccountFacts> = fc.record({
  status: fc.constantFrom("active" as const, "active" as const, "active" as const, "suspended" as const),
  day: fc.constantFrom("2026-11-22", "2026-11-23", "2026-11-23", "2026-11-24"),
  used: fc.integer({ min: 0, max: 1200 }),
  blocks: fc.array(block, { maxLength: 4 }),
}).map((facts) => ({ ...ordinary, ...facts }));
const someNow = fc.tuple(fc.integer({ min: -13, max: 13 }), fc.integer({ min: -1, max: 1 }))
  .map(([hours, ms]) => NOON + hours * HOUR + ms);
const someSize = fc.constantFrom(0, 10_485_759, 10_485_760, 52_428_800);

Deno.test("quota: at MAIL and RCPT a naive oracle agrees", () => {
  fc.assert(
    fc.property(
      someAccount,
      someNow,
      someSize,
      fc.integer({ min: 0, max: 99 }),
      (account, now, sizeBytes, recipients) => {
        const each = policy.price(sizeBytes, 1);
        assertEquals(
          policy.decide("mail", { now, account, sizeBytes, sender: null, ownership: null }),
          oracle(account, now, each),
        );
        assertEquals(
          policy.decide("recipient", { now, account, sizeBytes, recipients, domain: null }),
          oracle(account, now, each * (recipients + 1)),
        );
      },
    ),
    { numRuns: 4000 },
  );
});

Deno.test("quota: after a reservation a naive oracle agrees", () => {
  fc.assert(
    fc.property(someAccount, someNow, fc.integer({ min: 1, max: 600 }), (account, now, need) => {
      const limit = policy.cap(account.blocks, now);
      const today = { ...account, day: new Date(now).toISOString().slice(0, 10) };
      const expected = oracle(today, now, need);
      const granted = expected.reason === Reason.Accepted;
      assertEquals(
        policy.decide("quota", { account, now, granted, used: account.used, limit, need, ndr: null }),
        expected,
      );
    }),
    { numRuns: 4000 },
  );
});
