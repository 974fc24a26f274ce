import { assertEquals, assertThrows } from "@std/assert";
import { type AccountFacts, Reason, type RecipientFacts } from "../../policy/mod.ts";
import { account, MIDNIGHT, policy, recipientFacts, usable } from "./facts.ts";

const recipient = (change: Partial<RecipientFacts>) => policy.decide("recipient", { ...recipientFacts, ...change });
const recipientOf = (change: Partial<AccountFacts>, rest: Partial<RecipientFacts> = {}) =>
  recipient({ account: { ...account, ...change }, ...rest });
const exceeded = { reason: Reason.QuotaExceeded, limit: 150, resetsAt: MIDNIGHT, pendingActivatesAt: null } as const;

Deno.test("RCPT: the 100th recipient is accepted, the 101st is not", () => {
  assertEquals(recipient({ recipients: 99 }), { reason: Reason.Accepted });
  assertEquals(recipient({ recipients: 100 }), { reason: Reason.TooManyRecipients, limit: 100 });
});

Deno.test("RCPT: without SIZE=, each recipient needs one relay at least", () => {
  assertEquals(recipientOf({ used: 140 }, { recipients: 9 }), { reason: Reason.Accepted });
  assertEquals(recipientOf({ used: 140 }, { recipients: 10 }), { ...exceeded, used: 140, need: 11 });
});

Deno.test("RCPT: with SIZE=, the recipient that overflows is refused and those before it stand", () => {
  const sizeBytes = 10_485_760; // two relays each
  assertEquals(recipientOf({ used: 145 }, { sizeBytes, recipients: 1 }), { reason: Reason.Accepted });
  assertEquals(recipientOf({ used: 145 }, { sizeBytes, recipients: 2 }), { ...exceeded, used: 145, need: 6 });
});

Deno.test("RCPT: of several refusals the first in the order of the rules is given", () => {
  const steps: [Partial<RecipientFacts>, Reason][] = [
    [{}, Reason.AuthenticationRequired],
    [{ account: { ...account, status: "suspended", blocks: [] } }, Reason.TooManyRecipients],
    [{ recipients: 99 }, Reason.AccountSuspended],
    [{ account: { ...account, blocks: [], used: 150 } }, Reason.NoBlock],
    [{ account: { ...account, blocks: [{ quantity: 1, activatesAt: MIDNIGHT }], used: 150 } }, Reason.BlockPending],
    [{ account: { ...account, used: 150 } }, Reason.QuotaExceeded],
    [{ account }, Reason.RecipientDomainMissing],
    [{ domain: usable }, Reason.RecipientSuppressed],
    [{ suppressed: false }, Reason.Accepted],
  ];
  let facts: RecipientFacts = {
    ...recipientFacts,
    recipients: 100,
    account: null,
    suppressed: true,
    domain: { ...usable, existence: "missing" },
  };
  for (const [change, reason] of steps) {
    facts = { ...facts, ...change };
    assertEquals(Reason[policy.decide("recipient", facts).reason], Reason[reason]);
  }
});

Deno.test("RCPT: a number of recipients that is no whole number is thrown", () => {
  for (const bad of [NaN, -1, 0.5]) assertThrows(() => recipient({ recipients: bad }), RangeError, "recipients");
});
