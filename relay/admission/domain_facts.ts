/**
 * What the DNS says of a sender's or a recipient's domain, as the facts on which the policy decides.
 *
 * Facts that a refusal could be built on never come from the cache alone: what was cached is asked again first. In the
 * common case it is one MX look-up and, for senders, one A look-up of the best MX host, both cached.
 */
import { isIP } from "node:net";
import type { DomainFacts } from "../../policy/mod.ts";
import { addressLiteral, asciiDomain } from "../dns/names.ts";
import type { DnsAnswer, MxRecord, Resolver } from "../dns/types.ts";

/** MX hosts whose addresses are looked up, best first; a hostile set of 64 costs no more. */
const MAX_HOSTS_CHECKED = 10;

type Address = DomainFacts["address"];

/** Facts that do not vary are shared: most messages meet the first of them. */
const USABLE: DomainFacts = { existence: "exists", mx: "usable", address: "absent" };
const NULL_MX: DomainFacts = { existence: "exists", mx: "null", address: "absent" };
const MISSING: DomainFacts = { existence: "missing", mx: "none", address: "absent" };
const FAILED: DomainFacts = { existence: "failed", mx: "failed", address: "failed" };
const LITERAL: DomainFacts = { existence: "exists", mx: "none", address: "present" };

/** Whether mail could be sent back to this domain (U-labels, A-labels or an address literal). */
export async function senderDomainFacts(domain: string, resolver: Resolver): Promise<DomainFacts> {
  const fresh = resolver.fresh();
  const facts = await lookUp(domain, resolver, usabilityOfHosts);
  return isUnfavourable(facts) ? await lookUp(domain, fresh, usabilityOfHosts) : facts;
}

/**
 * Whether mail can be meant for this domain. The hosts of its MX are not looked up: that is delivery's business, and
 * `usable` only means that one of them is named by a name.
 */
export async function recipientDomainFacts(domain: string, resolver: Resolver): Promise<DomainFacts> {
  const fresh = resolver.fresh();
  const facts = await lookUp(domain, resolver, () => "usable");
  return isUnfavourable(facts) ? await lookUp(domain, fresh, () => "usable") : facts;
}

/** Whether a policy could refuse for good because of these facts. */
function isUnfavourable({ existence, mx, address }: DomainFacts): boolean {
  if (existence !== "exists") return existence === "missing";
  return mx === "none" ? address === "absent" : mx !== "usable" && mx !== "failed";
}

type Judge = (hosts: readonly string[], resolver: Resolver) => DomainFacts["mx"] | Promise<DomainFacts["mx"]>;

/** `judge` is given the names of the MX hosts, best first, never none. */
async function lookUp(domain: string, resolver: Resolver, judge: Judge): Promise<DomainFacts> {
  const literal = addressLiteral(domain);
  if (literal !== null) return literal === "invalid" ? MISSING : LITERAL;
  const name = asciiDomain(domain);
  if (name === null) return MISSING;
  const answer = await resolver.mx(name);
  switch (answer.kind) {
    case "failed":
      return FAILED;
    case "no-domain":
      return MISSING;
    case "no-data": // RFC 5321 5.1: the domain itself is its implicit MX.
      return { existence: "exists", mx: "none", address: await addressOf(name, resolver) };
    case "found":
      return factsWithMx(await usabilityOfMx(answer.records, resolver, judge));
  }
}

function factsWithMx(mx: DomainFacts["mx"]): DomainFacts {
  if (mx === "usable") return USABLE;
  return mx === "null" ? NULL_MX : { existence: "exists", mx, address: "absent" };
}

function usabilityOfMx(records: readonly MxRecord[], resolver: Resolver, judge: Judge) {
  const named = records.filter(({ exchange }) => exchange !== ""); // RFC 7505 3: a null MX beside others is none
  if (named.length === 0) return "null";
  const hosts = named.filter(({ exchange }) => !namesAddress(exchange));
  if (hosts.length === 0) return "names-address";
  return judge(hosts.toSorted((a, b) => a.preference - b.preference).map(({ exchange }) => exchange), resolver);
}

function namesAddress(exchange: string): boolean {
  return isIP(exchange) !== 0 || addressLiteral(exchange) !== null;
}

/** The best host alone first, since it nearly always has an address; then some of the others at once. */
async function usabilityOfHosts(hosts: readonly string[], resolver: Resolver): Promise<DomainFacts["mx"]> {
  const [best, ...others] = hosts.slice(0, MAX_HOSTS_CHECKED);
  const first = await addressOf(best!, resolver);
  if (first === "present") return "usable";
  const all = [first, ...await Promise.all(others.map((host) => addressOf(host, resolver)))];
  if (all.includes("present")) return "usable";
  return all.includes("failed") ? "failed" : "unresolvable";
}

/** A first, AAAA only where there is no A: one query for nearly every host. */
async function addressOf(host: string, resolver: Resolver): Promise<Address> {
  const a = await resolver.a(host);
  if (a.kind === "found") return "present";
  const aaaa: DnsAnswer<string> = await resolver.aaaa(host);
  if (aaaa.kind === "found") return "present";
  return a.kind === "failed" || aaaa.kind === "failed" ? "failed" : "absent";
}
