/** Addresses as a node reads them, in a world without DNS: a domain that nothing is said of is a good one. */
import type { DomainFacts } from "../../policy/mod.ts";
import { domainOf } from "../../relay/admission/address_facts.ts";

const GOOD: DomainFacts = { existence: "exists", mx: "usable", address: "absent" };
export const MISSING: DomainFacts = { existence: "missing", mx: "none", address: "absent" };

/** @param domains what the DNS says; may change meanwhile. */
export function addressesWith(domains: ReadonlyMap<string, DomainFacts> = new Map()) {
  const find = (domain: string) => Promise.resolve(domains.get(domain) ?? GOOD);
  return { domainOf, sender: find, recipient: find };
}
