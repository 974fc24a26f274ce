/**
 * What a node makes of addresses and of their domains, for whoever asks what it would decide: the same grammar, the same
 * look-ups, the same exceptions.
 */
import type { DomainFacts } from "../../policy/mod.ts";
import { asciiDomain } from "../dns/names.ts";
import type { Resolver } from "../dns/types.ts";
import { parsePath } from "../protocol/path.ts";
import { recipientDomainFacts, senderDomainFacts } from "./domain_facts.ts";

export interface Routes {
  readonly domains: { has(domain: string): boolean };
  /** Where all the rest goes; null: by MX. */
  readonly rest: unknown;
}

/** Whether mail for a domain (lower case) goes to a static route, so that its DNS does not matter. */
export const isRoutedBy = ({ rest, domains }: Routes) => (domain: string): boolean => {
  if (rest !== null || domains.has(domain)) return true;
  // Routes name domains by A-labels; a forward path may have U-labels (RFC 6531 3.2).
  const name = asciiDomain(domain);
  return name !== null && domains.has(name);
};

/** The domain of a mailbox, and the name that the DNS has for it, or null where it can have none; null: no mailbox. */
export function domainOf(mailbox: string): { readonly domain: string; readonly name: string | null } | null {
  const path = parsePath(`<${mailbox}>`, 0);
  if (path.kind !== "mailbox" || path.end !== mailbox.length + 2) return null;
  const { domain } = path.mailbox;
  return { domain, name: asciiDomain(domain) };
}

export function addressFacts(resolver: Resolver, routes: Routes) {
  const isRouted = isRoutedBy(routes);
  return {
    domainOf,
    sender: (domain: string): Promise<DomainFacts> => senderDomainFacts(domain, resolver),
    /** null: not looked up, for its mail is routed statically. */
    recipient: async (domain: string): Promise<DomainFacts | null> =>
      isRouted(domain) ? null : await recipientDomainFacts(domain, resolver),
  };
}
