/**
 * The addresses of a next hop's host, and in words what keeps mail from it.
 *
 * Addresses found in the DNS are dialled as they are given here, so that what was judged is what is connected to; those
 * of this machine, of private networks and the like are left out (`special_addresses.ts`) unless that is allowed.
 */
import { isIP } from "node:net";
import { specialAddress } from "../dns/special_addresses.ts";
import type { DnsAnswer, Resolver } from "../dns/types.ts";
import { shuffled } from "./shuffle.ts";

/** Why there is no way now, or for good: with the reply code that the DSN and the history show (RFC 3463). */
export type Trouble =
  | { readonly kind: "permanent"; readonly code: number; readonly enhanced: string; readonly text: string }
  | { readonly kind: "deferred"; readonly code: 451; readonly enhanced: "4.4.3" | "4.7.5"; readonly text: string };

export type HostAddresses =
  /** Literal IP addresses, never none. */
  | { readonly kind: "addresses"; readonly addresses: readonly string[] }
  /** This host cannot be used, for good or now; another of the same next hop may. */
  | Trouble;

export interface AddressRules {
  readonly resolver: Resolver;
  readonly isOwnEndpoint: (address: string, port: number) => boolean;
  readonly allowPrivate: boolean;
  readonly random: () => number;
}

/** Addresses of one host that are tried at most. */
const MAX_ADDRESSES = 8;
/** RFC 6761 6.3: this name is never asked of the DNS. */
const LOCALHOST = ["127.0.0.1", "::1"];

export const trouble = {
  lookUpFailed: (name: string, why: string) => deferred(`DNS lookup of ${name} failed: ${why}`),
  noDomain: (domain: string) => permanent(550, "5.1.2", `domain ${domain} does not exist`),
  noRecords: (domain: string) => permanent(550, "5.1.2", `domain ${domain} has no MX, A or AAAA record`),
  noSuchLiteral: (literal: string) => permanent(550, "5.1.2", `${literal} is not an address literal`),
  // RFC 7505 4.2
  nullMx: (domain: string) => permanent(556, "5.1.10", `domain ${domain} does not accept mail (null MX)`),
  mxNamesAddress: (domain: string) =>
    permanent(550, "5.4.4", `the MX record of ${domain} names an address instead of a host`),
  // RFC 5321 5.1 and RFC 3463 3.5
  loopsBack: (domain: string) => permanent(554, "5.4.6", `mail for ${domain} loops back to this relay`),
  noAddress: (host: string) => permanent(550, "5.4.4", `host ${host} has no address`),
  // RFC 8461 5.1: the policy or the MX records may be changed.
  notInPolicy: (domain: string, hosts: readonly string[]) =>
    deferred(`the MTA-STS policy of ${domain} names none of its MX hosts (${hosts.join(", ")})`, "4.7.5"),
  specialAddress: (host: string, address: string, what: string) =>
    permanent(550, "5.4.4", `host ${host} has an address that mail is not sent to: ${address} (${what})`),
} as const;

/** The addresses of a host that was found in the DNS; `ifNone` where it has neither A nor AAAA. */
export async function hostAddresses(
  host: string,
  port: number,
  rules: AddressRules,
  ifNone: Trouble,
): Promise<HostAddresses> {
  const fresh = rules.resolver.fresh();
  const judged = judge(host, port, await lookUp(host, rules.resolver), rules, ifNone);
  // A bounce is never built on what the cache says.
  return judged.kind === "permanent" ? judge(host, port, await lookUp(host, fresh), rules, ifNone) : judged;
}

/** The address of a literal in a forward path, if mail may be sent there. */
export function literalAddresses(address: string, port: number, rules: AddressRules): HostAddresses {
  const host = `[${address}]`;
  return judge(host, port, { addresses: [address], failure: null }, rules, trouble.noAddress(host));
}

/** The addresses of a static route's host: the operator named it, so each is taken as it is. */
export async function routeAddresses(hostname: string, resolver: Resolver): Promise<HostAddresses> {
  if (isIP(hostname) !== 0) return { kind: "addresses", addresses: [hostname] };
  const name = hostname.toLowerCase();
  if (name === "localhost" || name.endsWith(".localhost")) return { kind: "addresses", addresses: LOCALHOST };
  const { addresses, failure } = await lookUp(name, resolver);
  if (addresses.length > 0) return { kind: "addresses", addresses };
  // A route to nowhere is the operator's mistake: mail waits until it is mended.
  return failure === null
    ? deferred(`host ${name} of a static route has no address`)
    : trouble.lookUpFailed(name, failure);
}

interface Found {
  readonly addresses: readonly string[];
  /** Why A or AAAA could not be looked up, so that there may be more addresses; null: these are all. */
  readonly failure: string | null;
}

async function lookUp(host: string, resolver: Resolver): Promise<Found> {
  const [aaaa, a] = await Promise.all([resolver.aaaa(host), resolver.a(host)]);
  const failure = a.kind === "failed" ? a.why : aaaa.kind === "failed" ? aaaa.why : null;
  return { addresses: alternate(recordsOf(aaaa), recordsOf(a)), failure };
}

function recordsOf(answer: DnsAnswer<string>): readonly string[] {
  return answer.kind === "found" ? answer.records : [];
}

/** Leaves out the addresses that mail must not go to, and mixes the rest within their family. */
function judge(host: string, port: number, found: Found, rules: AddressRules, ifNone: Trouble): HostAddresses {
  const dialable = found.addresses.filter((address) => obstacle(address, port, rules) === null);
  if (dialable.length > 0) {
    const mixed = shuffled(dialable, rules.random);
    const ipv6 = mixed.filter((address) => isIP(address) === 6);
    const ipv4 = mixed.filter((address) => isIP(address) === 4);
    return { kind: "addresses", addresses: alternate(ipv6, ipv4).slice(0, MAX_ADDRESSES) };
  }
  if (found.failure !== null) return trouble.lookUpFailed(host, found.failure);
  const [first] = found.addresses;
  return first === undefined ? ifNone : trouble.specialAddress(host, first, obstacle(first, port, rules)!);
}

function obstacle(address: string, port: number, rules: AddressRules): string | null {
  if (rules.isOwnEndpoint(address, port)) return "this relay itself";
  return rules.allowPrivate ? null : specialAddress(address);
}

/** RFC 8305 4: families take turns, IPv6 first, so that a broken one costs one attempt. */
function alternate(ipv6: readonly string[], ipv4: readonly string[]): string[] {
  const turns = Math.max(ipv6.length, ipv4.length);
  return Array.from({ length: turns }, (_, turn) => [ipv6[turn], ipv4[turn]]).flat()
    .filter((address) => address !== undefined);
}

function permanent(code: number, enhanced: string, text: string): Trouble {
  return { kind: "permanent", code, enhanced, text };
}

function deferred(text: string, enhanced: "4.4.3" | "4.7.5" = "4.4.3"): Trouble {
  return { kind: "deferred", code: 451, enhanced, text };
}
