/**
 * How the value of a setting is written: one small parser for each kind of value.
 *
 * Pure. A parser gives the value, or undefined where the text does not have its form; `expected` says that form to the
 * operator, in words that fit behind "expected".
 */
import { parseAddress } from "./dns/ip_address.ts";

export interface Parser<T> {
  readonly expected: string;
  parse(text: string): T | undefined;
}

/** A host and a port; IPv6 without brackets. */
export interface HostPort {
  readonly hostname: string;
  readonly port: number;
}

/** Static next hops (`MAILHOP_ROUTES`). */
export interface Routes {
  /** By recipient domain, in lower case. */
  readonly domains: ReadonlyMap<string, HostPort>;
  /** `*`: where all the rest goes; null: by MX. */
  readonly rest: HostPort | null;
}

/** What single destinations are given (`MAILHOP_DESTINATIONS`), by host, domain of hosts, address, or `*`. */
export type Destinations = ReadonlyMap<string, DestinationLimits>;

export interface DestinationLimits {
  /** Connections at the same time. */
  readonly connections?: number;
  /** Messages on one connection. */
  readonly messages?: number;
  /** Between the starts of two messages, in ms; need not be whole. */
  readonly intervalMs?: number;
}

/** From where mail leaves (`MAILHOP_SOURCE_ADDRESS`); null: the system chooses. */
export interface SourceAddresses {
  readonly ipv4: string | null;
  readonly ipv6: string | null;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Longer than anything that is waited for; added to a date it stays one. */
const MAX_DURATION_MS = 365 * 86_400_000;
const MAX_PORT = 65_535;
/** RFC 1035 2.3.4: a label has at most 63 octets, a name 253 characters without its final dot. */
const NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;
/** RFC 6750 2.1: what a bearer token is made of. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;
const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
/** Whole 127.0.0.0/8 is this machine (RFC 1122 3.2.1.3), and so is the name (RFC 6761 6.3); a URL has IPv6 in brackets. */
const LOOPBACK = /^(127(\.\d+){3}|::1|\[::1\]|localhost)$/;
/** Permission flags are words in a command line, with commas between paths. */
const UNGRANTABLE = /[\s,\0]/;

export const flag: Parser<boolean> = {
  expected: "true or false",
  parse: (text) => text === "true" ? true : text === "false" ? false : undefined,
};

/** Milliseconds. */
export const duration: Parser<number> = {
  expected: "a duration such as 250ms, 90s, 15m, 1h or 2d, at most 365d",
  parse(text) {
    const [, amount, unit] = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text) ?? [];
    const milliseconds = amount === undefined ? NaN : Number(amount) * UNIT_MS[unit!]!;
    return milliseconds <= MAX_DURATION_MS ? milliseconds : undefined;
  },
};

export function wholeNumber(least: number, most: number): Parser<number> {
  return {
    expected: `a whole number from ${least} to ${most}`,
    parse(text) {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
      return value >= least && value <= most ? value : undefined;
    },
  };
}

/** A domain name, in lower case. */
export const domainName: Parser<string> = {
  expected: "a host name such as relay.example.net (letters, digits, hyphens and dots)",
  parse: (text) => NAME.test(text) && parseAddress(text) === null ? text.toLowerCase() : undefined,
};

/** Scheme, name and port. Short, for a reply has 512 octets in all; no path, as the pages link to each other from the root. */
export const publicUrl: Parser<string> = {
  expected: "a URL such as https://smtp.example.net, without a path and at most 100 characters",
  parse(text) {
    if (!/^https?:\/\/[a-z0-9.:[\]-]{1,92}\/?$/i.test(text) || !URL.canParse(text)) return undefined;
    return new URL(text).origin;
  },
};

/** Of a service that is trusted with a token: encrypted, but on this machine. */
export const serviceUrl: Parser<string> = {
  expected: "a URL such as https://counters.example.net, or http:// of this machine's loopback",
  parse(text) {
    if (!URL.canParse(text)) return undefined;
    const url = new URL(text);
    const isBare = url.username === "" && url.search === "" && url.hash === "";
    return isBare && keepsSecrets(url) ? url.href.replace(/\/$/, "") : undefined;
  },
};

/** Whether what is sent to such a URL is read by nobody on the way: it is encrypted, or stays on this machine. */
export const keepsSecrets = ({ protocol, hostname }: URL): boolean =>
  protocol === "https:" || (protocol === "http:" && isLoopback(hostname));

export const isLoopback = (hostname: string): boolean => LOOPBACK.test(hostname);

export const label: Parser<string> = {
  expected: "a short name of letters, digits, dots, hyphens and underscores, such as eu-west-1",
  parse: (text) => LABEL.test(text) ? text : undefined,
};

export const token: Parser<string> = {
  expected: "a token of letters, digits and -._~+/ (its value is not shown)",
  parse: (text) => TOKEN.test(text) ? text : undefined,
};

export const path: Parser<string> = {
  expected: "a path without blanks and commas, which Deno's permission flags cannot carry",
  parse: (text) => UNGRANTABLE.test(text) ? undefined : text,
};

/** Addresses to listen on; port 0 is any free one; the empty text is none. */
export const listenList: Parser<readonly HostPort[]> = {
  expected: "host:port[,host:port], IPv6 in brackets, such as 0.0.0.0:2525,[::]:2525; or nothing for none",
  parse: (text) => text.trim() === "" ? [] : list(text, (item) => hostPort(item, 0)),
};

/** As above, at least one. */
export const nonEmptyListenList: Parser<readonly HostPort[]> = {
  expected: "host:port[,host:port], IPv6 in brackets, such as 127.0.0.1:8080",
  parse: (text) => list(text, (item) => hostPort(item, 0)),
};

export const serverAddresses: Parser<readonly HostPort[]> = {
  expected: "address:port[,address:port], IPv6 in brackets, such as 127.0.0.1:53,[::1]:53",
  parse: (text) =>
    list(text, (item) => {
      const server = hostPort(item, 1);
      return server !== undefined && parseAddress(server.hostname) !== null ? server : undefined;
    }),
};

export const routes: Parser<Routes> = {
  expected: "domain=host:port[,domain=host:port], each domain once, * for all the rest, such as *=127.0.0.1:2526",
  parse(text) {
    const parsed = list(text, route);
    if (parsed === undefined) return undefined;
    const byDomain = new Map(parsed);
    if (byDomain.size < parsed.length) return undefined;
    const rest = byDomain.get("*") ?? null;
    byDomain.delete("*");
    return { domains: byDomain, rest };
  },
};

function route(text: string): readonly [string, HostPort] | undefined {
  const equals = text.indexOf("=");
  if (equals < 0) return undefined;
  const written = text.slice(0, equals).trim();
  const domain = written === "*" ? written : domainName.parse(written);
  const nextHop = hostPort(text.slice(equals + 1).trim(), 1);
  return domain === undefined || nextHop === undefined ? undefined : [domain, nextHop];
}

export const sourceAddresses: Parser<SourceAddresses> = {
  expected: "an address of this machine, or one of IPv4 and one of IPv6, such as 192.0.2.1,2001:db8::1",
  parse(text) {
    const found: { ipv4: string | null; ipv6: string | null } = { ipv4: null, ipv6: null };
    for (const item of text.split(",")) {
      const address = item.trim();
      const octets = parseAddress(address);
      const family = octets?.length === 4 ? "ipv4" : "ipv6";
      if (octets === null || found[family] !== null) return undefined;
      found[family] = address;
    }
    return found;
  },
};

/** More connections, or messages on one, than any server bears. */
const MAX_DESTINATION_COUNT = 100_000;

export const destinations: Parser<Destinations> = {
  expected:
    "name=limit[,limit][;name=limit…], each name once, * for all the rest, with the limits connections:number, " +
    "messages:number and rate:number/s (or /m, /h), such as example.net=connections:5,rate:10/s;*=connections:20",
  parse(text) {
    const parsed = list(text, destination, ";");
    if (parsed === undefined) return undefined;
    const byName = new Map(parsed);
    return byName.size === parsed.length ? byName : undefined;
  },
};

function destination(text: string): readonly [string, DestinationLimits] | undefined {
  const equals = text.indexOf("=");
  const written = text.slice(0, Math.max(equals, 0)).trim();
  const name = written === "*" || parseAddress(written) !== null ? written : domainName.parse(written);
  const limits = list(text.slice(equals + 1), destinationLimit);
  if (name === undefined || limits === undefined) return undefined;
  const merged: DestinationLimits = Object.assign({}, ...limits);
  return Object.keys(merged).length === limits.length ? [name, merged] : undefined;
}

function destinationLimit(text: string): DestinationLimits | undefined {
  const [, kind, digits, unit] = /^(connections|messages|rate):(\d{1,6})(?:\/([smh]))?$/.exec(text) ?? [];
  const value = Number(digits);
  if (kind === undefined || value < 1 || value > MAX_DESTINATION_COUNT) return undefined;
  if ((kind === "rate") !== (unit !== undefined)) return undefined;
  if (kind === "rate") return { intervalMs: UNIT_MS[unit!]! / value };
  return kind === "connections" ? { connections: value } : { messages: value };
}

/** "192.0.2.1:25", "[2001:db8::1]:25" or "mx.example.net:25". */
function hostPort(text: string, leastPort: number): HostPort | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port < leastPort || port > MAX_PORT) return undefined;
  const isHost = bracketed === undefined
    ? isIPv4OrName(plain!)
    : bracketed.includes(":") && parseAddress(bracketed) !== null;
  return isHost ? { hostname: (bracketed ?? plain!).toLowerCase(), port } : undefined;
}

/** A name whose last label is a number is an IPv4 address gone wrong, such as 127.0.0.256. */
export function isIPv4OrName(host: string): boolean {
  return parseAddress(host) !== null || (NAME.test(host) && !/(?:^|\.)\d+$/.test(host));
}

/** All items, or undefined if one of them has not the form. */
function list<T>(text: string, parseItem: (item: string) => T | undefined, separator = ","): T[] | undefined {
  const items: T[] = [];
  for (const written of text.split(separator)) {
    const item = parseItem(written.trim());
    if (item === undefined) return undefined;
    items.push(item);
  }
  return items;
}
