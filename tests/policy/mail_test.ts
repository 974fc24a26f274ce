import { assertEquals, assertThrows } from "@std/assert";
import { type AccountFacts, type MailFacts, Reason } from "../../policy/mod.ts";
import { account, mailFacts, MAX_SIZE, MIDNIGHT, MINUTE, NOON, policy, usable } from "./facts.ts";

const mail = (change: Partial<MailFacts>) => policy.decide("mail", { ...mailFacts, ...change });
const mailOf = (change: Partial<AccountFacts>, rest: Partial<MailFacts> = {}) =>
  mail({ account: { ...account, ...change }, ...rest });
const pending = [{ quantity: 1, activatesAt: NOON + 9 * MINUTE }];

Deno.test("MAIL: an account with relays left and a usable domain is accepted", () => {
  assertEquals(mail({}), { reason: Reason.Accepted });
});

Deno.test("MAIL: authentication is required", () => {
  assertEquals(mail({ account: null }), { reason: Reason.AuthenticationRequired });
});

Deno.test("MAIL: SIZE= of 52428800 is accepted, one more is not", () => {
  assertEquals(mail({ sizeBytes: MAX_SIZE }), { reason: Reason.Accepted });
  assertEquals(mail({ sizeBytes: MAX_SIZE + 1 }), { reason: Reason.MessageTooBig, limit: MAX_SIZE });
});

Deno.test("MAIL: a suspended account", () => {
  assertEquals(mailOf({ status: "suspended" }), { reason: Reason.AccountSuspended });
});

Deno.test("MAIL: no block at all", () => {
  assertEquals(mailOf({ blocks: [] }), { reason: Reason.NoBlock });
});

Deno.test("MAIL: a block that is not active yet, up to the millisecond before", () => {
  const activatesAt = NOON + 9 * MINUTE;
  const blocks = [{ quantity: 1, activatesAt: activatesAt + 1 }, ...pending];
  assertEquals(mailOf({ blocks }), { reason: Reason.BlockPending, activatesAt });
  assertEquals(mailOf({ blocks }, { now: activatesAt - 1 }), { reason: Reason.BlockPending, activatesAt });
  assertEquals(mailOf({ blocks }, { now: activatesAt }), { reason: Reason.Accepted });
});

Deno.test("MAIL: the 150th relay is accepted, the 151st is not", () => {
  assertEquals(mailOf({ used: 149 }), { reason: Reason.Accepted });
  assertEquals(mailOf({ used: 150 }), {
    reason: Reason.QuotaExceeded,
    used: 150,
    limit: 150,
    need: 1,
    resetsAt: MIDNIGHT,
    pendingActivatesAt: null,
  });
});

Deno.test("MAIL: SIZE= tells what one recipient will need at least", () => {
  assertEquals(mailOf({ used: 144 }, { sizeBytes: MAX_SIZE }), { reason: Reason.Accepted });
  assertEquals(mailOf({ used: 145 }, { sizeBytes: MAX_SIZE }), {
    reason: Reason.QuotaExceeded,
    used: 145,
    limit: 150,
    need: 6,
    resetsAt: MIDNIGHT,
    pendingActivatesAt: null,
  });
});

Deno.test("MAIL: over the quota, a pending block is named if it activates before midnight", () => {
  for (
    const [activatesAt, named] of [
      [NOON + MINUTE, NOON + MINUTE],
      [MIDNIGHT - 1, MIDNIGHT - 1],
      [MIDNIGHT, null],
    ] as const
  ) {
    const blocks = [...account.blocks, { quantity: 1, activatesAt: MIDNIGHT + 5 }, { quantity: 1, activatesAt }];
    const verdict = mailOf({ used: 150, blocks });
    assertEquals(verdict.reason === Reason.QuotaExceeded && verdict.pendingActivatesAt, named);
  }
});

Deno.test("MAIL: nothing is used after midnight UTC, although the facts are of the day before", () => {
  const refused = mailOf({ used: 150 }, { now: MIDNIGHT - 1 });
  assertEquals(refused.reason, Reason.QuotaExceeded);
  assertEquals(mailOf({ used: 150 }, { now: MIDNIGHT }), { reason: Reason.Accepted });
});

Deno.test("MAIL: where the counter store is in the next day already, its count stands", () => {
  assertEquals(mailOf({ used: 150, day: "2026-11-24" }, { now: MIDNIGHT - 1 }).reason, Reason.QuotaExceeded);
});

Deno.test("MAIL: of several refusals the first in the order of the rules is given", () => {
  const worst: MailFacts = {
    now: NOON,
    account: null,
    sizeBytes: MAX_SIZE + 1,
    sender: { ...usable, existence: "missing" },
    ownership: "another's",
  };
  const steps: [Partial<MailFacts>, Reason][] = [
    [{}, Reason.AuthenticationRequired],
    [{ account: { ...account, status: "suspended", blocks: [] } }, Reason.MessageTooBig],
    [{ sizeBytes: MAX_SIZE }, Reason.AccountSuspended],
    [{ account: { ...account, blocks: [], used: 150 } }, Reason.NoBlock],
    [{ account: { ...account, blocks: pending, used: 150 } }, Reason.BlockPending],
    [{ account: { ...account, used: 150 } }, Reason.QuotaExceeded],
    [{ account }, Reason.DomainOfAnotherAccount],
    [{ ownership: "unclaimed" }, Reason.SenderDomainMissing],
    [{ sender: usable }, Reason.Accepted],
  ];
  let facts = worst;
  for (const [change, reason] of steps) {
    facts = { ...facts, ...change };
    assertEquals(Reason[policy.decide("mail", facts).reason], Reason[reason]);
  }
});

Deno.test("MAIL: facts that are no whole numbers in range are thrown", () => {
  for (const bad of [NaN, -1, 0.5, Infinity]) {
    assertThrows(() => mail({ now: bad }), RangeError, "now");
    assertThrows(() => mail({ sizeBytes: bad }), RangeError, "sizeBytes");
    assertThrows(() => mailOf({ used: bad }), RangeError, "used");
  }
  for (const bad of ["", "today", "2026-13-01", "26-11-23", "2026-11-23T00:00:00Z", "1969-12-31"]) {
    assertThrows(() => mailOf({ day: bad }), RangeError, "day");
  }
});
