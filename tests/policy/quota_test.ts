import { assertEquals, assertThrows } from "@std/assert";
import { type AccountFacts, type Block, type QuotaFacts, Reason } from "../../policy/mod.ts";
import { MIDNIGHT, MINUTE, NOON, policy, quotaFacts } from "./facts.ts";

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
