/** Connections, logins, the brake, non-delivery reports and the choice of claimed domains only: rule by rule. */
import { assertEquals } from "@std/assert";
import {
  type AccountFacts,
  defaultParameters,
  type FactsOf,
  ModulePolicy,
  type NdrWish,
  ownModule,
  Reason,
  type ReportFacts,
} from "../../policy/mod.ts";
import {
  account,
  mailFacts,
  messageFacts,
  MIDNIGHT,
  MINUTE,
  NOON,
  policy,
  quotaFacts,
  recipientFacts,
} from "./facts.ts";

const ACCEPTED = { reason: Reason.Accepted };

Deno.test("connection: the 10,000th is let in, the next is not; the 50th from one address, the next is not", () => {
  const decide = (open: number, fromAddress: number) => policy.decide("connection", { open, fromAddress });
  assertEquals(decide(10_000, 50), ACCEPTED);
  assertEquals(decide(10_001, 1), { reason: Reason.TooManyConnections, limit: 10_000 });
  assertEquals(decide(51, 51), { reason: Reason.TooManyConnectionsFromAddress, limit: 50 });
});

const NONE = { count: 0, ageMs: 0 };
const login = (change: Partial<FactsOf["login"]>) =>
  policy.decide("login", {
    ...{ ofAccount: NONE, fromPrefix: NONE, knownPlace: false, credentials: "not-checked" },
    ...change,
  });
const waits = (waitMs: number) => ({ reason: Reason.TooManyFailedLogins, waitMs });

Deno.test("login: the 20th failure is answered, the next has to wait until ten minutes after the first", () => {
  assertEquals(login({ ofAccount: { count: 19, ageMs: 0 } }), ACCEPTED);
  assertEquals(login({ ofAccount: { count: 20, ageMs: 3 * MINUTE } }), waits(7 * MINUTE));
  assertEquals(login({ ofAccount: { count: 20, ageMs: 10 * MINUTE } }), ACCEPTED);
  assertEquals(login({ fromPrefix: { count: 20, ageMs: 0 } }), waits(10 * MINUTE));
});

Deno.test("login: the longer wait counts, and is kept even from the right password", () => {
  const both = { ofAccount: { count: 99, ageMs: 9 * MINUTE }, fromPrefix: { count: 99, ageMs: MINUTE } };
  assertEquals(login(both), waits(9 * MINUTE));
  assertEquals(login({ ...both, credentials: "right" }), waits(9 * MINUTE));
});

Deno.test("login: at a known place a stranger's failures elsewhere lock nobody out, those from there do", () => {
  const elsewhere = { ofAccount: { count: 20, ageMs: 0 }, knownPlace: true };
  assertEquals(login(elsewhere), ACCEPTED);
  assertEquals(login({ ...elsewhere, fromPrefix: { count: 20, ageMs: 0 } }), waits(10 * MINUTE));
});

Deno.test("login: a wrong password is refused, the right one is not", () => {
  assertEquals(login({ credentials: "wrong" }), { reason: Reason.AuthenticationFailed });
  assertEquals(login({ credentials: "right" }), ACCEPTED);
});

const many = [{ quantity: 100, activatesAt: 0 }];
const habit = { days: 10, relays: 60, recipients: 40, refusedPercent: 2 };
const mail = (change: Partial<AccountFacts>, now = NOON) =>
  policy.decide("mail", { ...mailFacts, now, account: { ...account, blocks: many, habit, ...change } });
const braked = (measure: "relays" | "recipients" | "refused-recipients", used: number, limit: number) => (
  { reason: Reason.Braked, measure, used, limit, resetsAt: MIDNIGHT }
);

Deno.test("brake: three times the relays of the busiest day pass, one more does not", () => {
  assertEquals(mail({ used: 179 }), ACCEPTED);
  assertEquals(mail({ used: 180 }), braked("relays", 181, 180));
});

Deno.test("brake: at RCPT the recipients before it count", () => {
  const facts = { ...recipientFacts, account: { ...account, blocks: many, habit, used: 170 } };
  assertEquals(policy.decide("recipient", { ...facts, recipients: 9 }), ACCEPTED);
  assertEquals(policy.decide("recipient", { ...facts, recipients: 10 }), braked("relays", 181, 180));
});

Deno.test("brake: what is below the floor is never too much", () => {
  const quiet = { ...habit, relays: 2, recipients: 1 };
  assertEquals(mail({ habit: quiet, used: 149 }), ACCEPTED);
  assertEquals(mail({ habit: quiet, used: 150 }), braked("relays", 151, 150));
});

Deno.test("brake: distinct recipients are compared with the busiest day's", () => {
  const today = { recipients: 120, outcomes: 0, refused: 0 };
  assertEquals(mail({ today }), ACCEPTED);
  assertEquals(mail({ today: { ...today, recipients: 121 } }), braked("recipients", 121, 120));
});

Deno.test("brake: the share of refused recipients may be 25 points above the habit's", () => {
  const today = (refused: number) => ({ recipients: 100, outcomes: 100, refused });
  assertEquals(mail({ today: today(27) }), ACCEPTED);
  assertEquals(mail({ today: today(28) }), braked("refused-recipients", 28, 27));
  assertEquals(mail({ today: { recipients: 20, outcomes: 20, refused: 20 } }), ACCEPTED);
});

Deno.test("brake: without a habit volume is what was bought, and the share of refused recipients still counts", () => {
  const fresh = { days: 2, relays: 1, recipients: 1, refusedPercent: 0 };
  assertEquals(mail({ habit: fresh, used: 14_000 }), ACCEPTED);
  const today = { recipients: 100, outcomes: 100, refused: 30 };
  assertEquals(mail({ habit: fresh, today }), braked("refused-recipients", 30, 25));
});

Deno.test("brake: the operator's release holds until its moment, and a new day begins without it", () => {
  assertEquals(mail({ used: 500, brakeReleasedUntil: NOON + 1 }), ACCEPTED);
  assertEquals(mail({ used: 500, brakeReleasedUntil: NOON }), braked("relays", 501, 180));
  const today = { recipients: 1000, outcomes: 1000, refused: 1000 };
  assertEquals(mail({ used: 500, today }, MIDNIGHT), ACCEPTED);
});

const report = (change: Partial<ReportFacts>) =>
  policy.isNdr({
    ...{ nullReversePath: true, reportType: "none", autoSubmitted: "no", failedRecipientsField: false },
    ...change,
  });

Deno.test("NDR: a delivery report, or an automatic message that says so, from the null reverse path", () => {
  assertEquals(report({ reportType: "delivery-status" }), true);
  assertEquals(report({ reportType: "delivery-status", autoSubmitted: "replied" }), true);
  assertEquals(report({ autoSubmitted: "generated" }), true);
  assertEquals(report({ autoSubmitted: "failure" }), true);
  assertEquals(report({ autoSubmitted: "replied", failedRecipientsField: true }), true);
});

Deno.test("NDR: vacation notes, read receipts, and whatever has a sender are none", () => {
  assertEquals(report({}), false);
  assertEquals(report({ autoSubmitted: "replied" }), false);
  assertEquals(report({ reportType: "another", autoSubmitted: "generated" }), false);
  assertEquals(report({ nullReversePath: false, reportType: "delivery-status", autoSubmitted: "failure" }), false);
});

Deno.test("NDR: refused at the end of the data if the account wishes so, otherwise let through", () => {
  const ndr = { ...messageFacts, nullReversePath: true, reportType: "delivery-status" } as const;
  assertEquals(policy.decide("message", { ...ndr, ndrChoice: "refuse" }), { reason: Reason.NdrRefused });
  for (const ndrChoice of ["count", "limit"] as const) {
    assertEquals(policy.decide("message", { ...ndr, ndrChoice }), ACCEPTED);
  }
  assertEquals(policy.decide("message", { ...messageFacts, ndrChoice: "refuse" }), ACCEPTED);
});

Deno.test("NDR: their cap is the day's, or the account's share of it, rounded down", () => {
  const cap = (choice: NdrWish["choice"], sharePercent: number | null) =>
    policy.ndrCap([{ quantity: 1, activatesAt: 0 }], NOON, { choice, sharePercent });
  assertEquals([cap("count", 5), cap("refuse", 5)], [150, 150]);
  assertEquals([cap("limit", null), cap("limit", 5), cap("limit", 1), cap("limit", 100)], [30, 7, 1, 150]);
});

Deno.test("NDR: a refused reservation is told of the day first, then of the share", () => {
  const wish = { choice: "limit", sharePercent: null } as const;
  const facts = { ...quotaFacts, used: 40, need: 1, ndr: { used: 30, limit: 30, wish } };
  assertEquals(policy.decide("quota", facts), {
    ...{ reason: Reason.NdrShareExceeded, used: 30, limit: 30, need: 1, resetsAt: MIDNIGHT },
  });
  assertEquals(policy.decide("quota", { ...facts, used: 150 }).reason, Reason.QuotaExceeded);
  assertEquals(policy.decide("quota", { ...facts, ndr: null }).reason, Reason.ReservationRefused);
});

Deno.test("ownership: where claimed domains only are let through, an unclaimed one is refused", () => {
  const strict = new ModulePolicy(ownModule(), { ...defaultParameters, claimedDomainsOnly: 1 });
  assertEquals(strict.decide("mail", { ...mailFacts, ownership: "unclaimed" }), { reason: Reason.DomainUnclaimed });
  assertEquals(strict.decide("author", { ownership: "unclaimed" }), { reason: Reason.DomainUnclaimed });
  assertEquals(strict.decide("mail", { ...mailFacts, ownership: "own" }), ACCEPTED);
  assertEquals(strict.decide("mail", { ...mailFacts, sender: null, ownership: null }), ACCEPTED);
});
