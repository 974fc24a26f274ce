import { assertEquals } from "@std/assert";
import { type DomainFacts, Reason, type Verdict } from "../../policy/mod.ts";
import { mailFacts, policy, recipientFacts } from "./facts.ts";

const ALL: { [K in keyof DomainFacts]: DomainFacts[K][] } = {
  existence: ["exists", "missing", "failed", "not-checked"],
  mx: ["none", "null", "usable", "names-address", "unresolvable", "failed"],
  address: ["present", "absent", "failed"],
};

const everyDomain: DomainFacts[] = ALL.existence.flatMap((existence) =>
  ALL.mx.flatMap((mx) => ALL.address.map((address) => ({ existence, mx, address })))
);

/** "-" stands for any value. */
type Row = [existence: string, mx: string, address: string, verdict: Verdict];

const noUsable = (record: "nothing" | "mx-names-address" | "mx-unresolvable"): Verdict => ({
  reason: Reason.SenderNoUsableRecord,
  record,
});

const senders: Row[] = [
  ["not-checked", "-", "-", { reason: Reason.Accepted }],
  ["missing", "-", "-", { reason: Reason.SenderDomainMissing }],
  ["failed", "-", "-", { reason: Reason.SenderDnsFailed }],
  ["exists", "usable", "-", { reason: Reason.Accepted }],
  ["exists", "null", "-", { reason: Reason.SenderNullMx }],
  ["exists", "failed", "-", { reason: Reason.SenderDnsFailed }],
  ["exists", "names-address", "-", noUsable("mx-names-address")],
  ["exists", "unresolvable", "-", noUsable("mx-unresolvable")],
  ["exists", "none", "present", { reason: Reason.Accepted }],
  ["exists", "none", "failed", { reason: Reason.SenderDnsFailed }],
  ["exists", "none", "absent", noUsable("nothing")],
];

const recipients: Row[] = [
  ["missing", "-", "-", { reason: Reason.RecipientDomainMissing }],
  ["exists", "null", "-", { reason: Reason.RecipientNullMx }],
  ["-", "-", "-", { reason: Reason.Accepted }],
];

function expected(rows: Row[], domain: DomainFacts): Verdict | undefined {
  const fits = (pattern: string, value: string) => pattern === "-" || pattern === value;
  return rows.find(([existence, mx, address]) =>
    fits(existence, domain.existence) && fits(mx, domain.mx) && fits(address, domain.address)
  )?.[3];
}

Deno.test("sender: each combination of DNS facts has the verdict of the table", () => {
  for (const sender of everyDomain) {
    assertEquals(policy.decide("mail", { ...mailFacts, sender }), expected(senders, sender), JSON.stringify(sender));
  }
});

Deno.test("sender: the null reverse path has no domain to check", () => {
  assertEquals(policy.decide("mail", { ...mailFacts, sender: null }), { reason: Reason.Accepted });
});

Deno.test("recipient: each combination of DNS facts has the verdict of the table; trouble in DNS is accepted", () => {
  for (const domain of everyDomain) {
    const verdict = policy.decide("recipient", { ...recipientFacts, domain });
    assertEquals(verdict, expected(recipients, domain), JSON.stringify(domain));
  }
});

Deno.test("recipient: a domain that was not looked up is accepted", () => {
  assertEquals(policy.decide("recipient", { ...recipientFacts, domain: null }), { reason: Reason.Accepted });
});
