import { assertEquals } from "@std/assert";
import { type DomainOwnership, Reason } from "../../policy/mod.ts";
import { mailFacts, policy, usable } from "./facts.ts";

const VERDICTS: [DomainOwnership, Reason][] = [
  ["unclaimed", Reason.Accepted],
  ["own", Reason.Accepted],
  ["another's", Reason.DomainOfAnotherAccount],
];

for (const [ownership, reason] of VERDICTS) {
  Deno.test(`ownership: as a domain that is ${ownership}, reverse path and author: ${Reason[reason]}`, () => {
    assertEquals(policy.decide("mail", { ...mailFacts, ownership }), { reason });
    assertEquals(policy.decide("author", { ownership: ownership }), { reason });
  });
}

Deno.test("ownership: what was not looked up refuses nothing", () => {
  assertEquals(policy.decide("mail", { ...mailFacts, sender: null, ownership: null }), { reason: Reason.Accepted });
});

Deno.test("ownership: another account's domain is refused whatever the DNS says of it", () => {
  for (const existence of ["exists", "missing", "failed"] as const) {
    const { reason } = policy.decide("mail", {
      ...mailFacts,
      sender: { ...usable, existence },
      ownership: "another's",
    });
    assertEquals(reason, Reason.DomainOfAnotherAccount);
  }
});

Deno.test("ownership: no call remembers the one before", () => {
  policy.decide("author", { ownership: "another's" });
  assertEquals(policy.decide("mail", { ...mailFacts, ownership: "own" }), { reason: Reason.Accepted });
  policy.decide("mail", { ...mailFacts, ownership: "another's" });
  assertEquals(policy.decide("author", { ownership: "own" }), { reason: Reason.Accepted });
});
