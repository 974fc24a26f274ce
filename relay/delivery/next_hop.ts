/**
 * The way to a recipient's domain: a static route, an address literal, or the hosts of its MX (RFC 5321 5.1).
 *
 * It says which hosts to try in which order; their addresses are looked up when a host's turn comes
 * (`host_addresses.ts`). What ends mail for good is never taken from the cache without asking again.
 */
import { isIP } from "node:net";
import { addressLiteral, asciiDomain } from "../dns/names.ts";
import type { MxRecord, Resolver } from "../dns/types.ts";
import { namesHost, type StsPolicy } from "../mta_sts/policy.ts";
import {
  type HostAddresses,
  hostAddresses,
  literalAddresses,
  routeAddresses,
  type Trouble,
  trouble,
} from "./host_addresses.ts";
import { shuffled } from "./shuffle.ts";
import type { TlsPolicy } from "./tls_verdict.ts";

export interface NextHopHost {
  /** The host's name, or its address where a literal was given: for TLS, the history and the DSN. */
  readonly name: string;
  readonly port: number;
  /** Among the preferences of its next hop, the best being 0; not there: all its hosts are equally good. */
  readonly rank?: number;
  /** What TLS has to be like; not there: as it can be had. */
  readonly tlsPolicy?: TlsPolicy;
  /** Where to connect, in this order; looked up at each call (through the resolver's cache). Never rejects. */
  addresses(): Promise<HostAddresses>;
}

export interface HostsHop {
  readonly kind: "hosts";
  /** Equal for domains whose mail goes to the same hosts in the same order of preference, with the same TLS. */
  readonly key: string;
  /** Best first, never empty, equal preferences in random order. */
  readonly hosts: readonly NextHopHost[];
}

export type NextHop = HostsHop | Trouble;

export interface HostPort {
  /** A name or a literal address, IPv6 without brackets. */
  readonly hostname: string;
  readonly port: number;
}

/** Static next hops by recipient domain (lower case), and for all the rest; exempt from the filter of addresses. */
export interface StaticRoutes {
  readonly domains: ReadonlyMap<string, HostPort>;
  /** null: by MX. */
  readonly rest: HostPort | null;
}

export interface Routing {
  readonly resolver: Resolver;
  readonly routes: StaticRoutes;
  /** The port of hosts found by MX, implicit MX or address literal. */
  readonly mxPort: number;
  /** This relay's own names in lower case: a way that leads to one of them is a loop. */
  readonly ownNames: ReadonlySet<string>;
  /** Whether this relay itself listens there: the other kind of loop. */
  readonly isOwnEndpoint: (address: string, port: number) => boolean;
  /** Whether a host found in the DNS may have a loopback, private or other special address. */
  readonly allowPrivate: boolean;
  /** The MTA-STS policy that stands for a domain found in the DNS, or null. Does not reject. */
  readonly policyOf: (domain: string) => Promise<StsPolicy | null>;
  /** As `Math.random`. */
  readonly random: () => number;
}

/** Hosts that are considered for one domain, by preference and name. */
const MAX_HOSTS = 16;
/**
 * What a host can be called (RFC 1123 2.1), with the underscores that some have. A name in the DNS may hold any octet
 * (RFC 2181 11), a comma too, and so look like several.
 */
const HOST_NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;

/** The way to `domain` as it stands in a forward path: a name (U-labels or A-labels) or an address literal. */
export async function findNextHop(domain: string, routing: Routing): Promise<NextHop> {
  const name = asciiDomain(domain);
  const route = staticRoute(domain.toLowerCase(), routing.routes) ?? staticRoute(name, routing.routes) ??
    routing.routes.rest;
  if (route !== null) return routeHop(route, routing);
  const literal = addressLiteral(domain);
  if (literal === "invalid") return trouble.noSuchLiteral(domain);
  if (literal !== null) return literalHop(literal, routing);
  if (name === null) return trouble.noDomain(domain);
  const fresh = routing.resolver.fresh();
  const [policy, cached] = await Promise.all([routing.policyOf(name), hopByMx(name, routing, routing.resolver)]);
  const hop = cached.kind === "permanent" ? await hopByMx(name, routing, fresh) : cached;
  return policy === null || hop.kind !== "hosts" ? hop : underPolicy(name, hop, policy);
}

/** RFC 8461 4.1 and 5: where it is enforced, hosts that the policy does not name are never sent to. */
function underPolicy(domain: string, { key, hosts }: HostsHop, policy: StsPolicy): NextHop {
  const { mode } = policy;
  if (mode === "none") return { kind: "hosts", key, hosts };
  const judged = hosts.map((host) => ({ ...host, tlsPolicy: { mode, named: namesHost(policy, host.name) } }));
  const usable = judged.filter(({ tlsPolicy }) => tlsPolicy.named || mode === "testing");
  // What is agreed on in a session depends on these.
  const flags = usable.map(({ name, tlsPolicy }) => `${name}${tlsPolicy.named ? "" : "?"}`);
  if (usable.length === 0) return trouble.notInPolicy(domain, hosts.map(({ name }) => name));
  return { kind: "hosts", key: `${key} ${mode} ${flags.sort().join(" ")}`, hosts: usable };
}

function staticRoute(domain: string | null, routes: StaticRoutes): HostPort | null {
  return domain === null ? null : routes.domains.get(domain) ?? null;
}

function routeHop({ hostname, port }: HostPort, { resolver }: Routing): NextHop {
  const host = { name: hostname, port, addresses: () => routeAddresses(hostname, resolver) };
  return { kind: "hosts", key: `route ${hostname} ${port}`, hosts: [host] };
}

function literalHop(address: string, routing: Routing): NextHop {
  const port = routing.mxPort;
  const addresses = () => Promise.resolve(literalAddresses(address, port, routing));
  return { kind: "hosts", key: `literal ${address} ${port}`, hosts: [{ name: address, port, addresses }] };
}

async function hopByMx(domain: string, routing: Routing, resolver: Resolver): Promise<NextHop> {
  const answer = await resolver.mx(domain);
  switch (answer.kind) {
    case "failed":
      return trouble.lookUpFailed(domain, answer.why);
    case "no-domain":
      return trouble.noDomain(domain);
    case "no-data": // RFC 5321 5.1: the implicit MX, of preference 0.
      return hopByHosts(domain, [{ preference: 0, exchange: domain }], routing, trouble.noRecords(domain));
    case "found":
      return hopByRecords(domain, answer.records, routing);
  }
}

function hopByRecords(domain: string, records: readonly MxRecord[], routing: Routing): NextHop {
  const named = records.filter(({ exchange }) => exchange !== ""); // RFC 7505 3: a null MX beside others is none
  if (named.length === 0) return trouble.nullMx(domain);
  const hosts = named.filter(({ exchange }) => isIP(exchange) === 0 && HOST_NAME.test(exchange));
  if (hosts.length > 0) return hopByHosts(domain, hosts, routing, null);
  const other = named.find(({ exchange }) => isIP(exchange) === 0 && addressLiteral(exchange) === null);
  return other === undefined ? trouble.mxNamesAddress(domain) : trouble.noAddress(other.exchange);
}

/** @param ifNoAddress what it means that a host has no address; null: that this host cannot be used. */
function hopByHosts(
  domain: string,
  records: readonly MxRecord[],
  routing: Routing,
  ifNoAddress: Trouble | null,
): NextHop {
  const groups = groupByPreference(beforeOurselves(records, routing.ownNames));
  if (groups.length === 0) return trouble.loopsBack(domain);
  const port = routing.mxPort;
  const hosts = groups.flatMap((group, rank) =>
    shuffled(group, routing.random).map((name) => ({
      name,
      port,
      rank,
      addresses: () => hostAddresses(name, port, routing, ifNoAddress ?? trouble.noAddress(name)),
    }))
  );
  // No name has a space in it.
  return { kind: "hosts", key: `mx ${groups.map((group) => group.join(" ")).join(" > ")} ${port}`, hosts };
}

/** RFC 5321 5.1: where this relay is among the hosts, only those that are better than it remain. */
function beforeOurselves(records: readonly MxRecord[], ownNames: ReadonlySet<string>): readonly MxRecord[] {
  const own = Math.min(
    ...records.filter((record) => ownNames.has(record.exchange)).map(({ preference }) => preference),
  );
  return records.filter(({ preference }) => preference < own);
}

/** Host names by ascending preference, each name once at its best, in a stable order, within MAX_HOSTS. */
function groupByPreference(records: readonly MxRecord[]): string[][] {
  const sorted = records.toSorted((one, other) =>
    one.preference - other.preference || (one.exchange < other.exchange ? -1 : 1)
  );
  const best = new Map<string, number>();
  for (const { exchange, preference } of sorted) {
    if (best.size < MAX_HOSTS && !best.has(exchange)) best.set(exchange, preference);
  }
  const groups = Map.groupBy(best.keys(), (exchange) => best.get(exchange));
  return [...groups.values()];
}
