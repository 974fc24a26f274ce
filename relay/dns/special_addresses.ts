/**
 * Addresses to which a host found in the DNS must not lead: this machine, its networks, and what is no unicast address.
 *
 * Pure. The table follows the IANA special-purpose registries (RFC 6890 and its updates). An IPv6 address that carries
 * an IPv4 address (mapped, translated, NAT64, 6to4) is judged by what it carries. The documentation networks
 * (192.0.2.0/24, 2001:db8::/32, …) lead nowhere, do no harm and are left in.
 */
import { parseAddress } from "./ip_address.ts";

interface Block {
  readonly prefix: Uint8Array;
  readonly bits: number;
  readonly what: string;
}

const SPECIAL_IPV4 = [
  block("0.0.0.0/8", "unspecified"),
  block("10.0.0.0/8", "private"),
  block("100.64.0.0/10", "shared by carriers (CGNAT)"),
  block("127.0.0.0/8", "loopback"),
  block("169.254.0.0/16", "link-local"),
  block("172.16.0.0/12", "private"),
  block("192.0.0.0/24", "reserved for protocols"),
  block("192.88.99.0/24", "6to4 relay anycast"),
  block("192.168.0.0/16", "private"),
  block("198.18.0.0/15", "reserved for benchmarks"),
  block("224.0.0.0/4", "multicast"),
  block("255.255.255.255/32", "broadcast"),
  block("240.0.0.0/4", "reserved"),
];

const SPECIAL_IPV6 = [
  block("::/128", "unspecified"),
  block("::1/128", "loopback"),
  block("::/96", "IPv4-compatible"), // RFC 4291 2.5.5.1: deprecated
  block("64:ff9b:1::/48", "NAT64 for local use"),
  block("100::/64", "discard-only"),
  block("2001::/23", "reserved for protocols"), // Teredo, benchmarks, ORCHID and others
  block("fc00::/7", "private"), // RFC 4193 unique local
  block("fe80::/10", "link-local"),
  block("fec0::/10", "private"), // RFC 3879 site-local
  block("ff00::/8", "multicast"),
];

/** IPv6 blocks whose addresses carry an IPv4 address, and at which octet. */
const CARRIERS = [
  { ...block("::ffff:0:0/96", "IPv4-mapped"), at: 12 }, // RFC 4291 2.5.5.2
  { ...block("::ffff:0:0:0/96", "IPv4-translated"), at: 12 }, // RFC 2765 2.1
  { ...block("64:ff9b::/96", "NAT64"), at: 12 }, // RFC 6052 2.1
  { ...block("2002::/16", "6to4"), at: 2 }, // RFC 3056 2
];

/** RFC 4291 2.4: of what the table does not name, only this block is in use for unicast. */
const GLOBAL_UNICAST_IPV6 = block("2000::/3", "global unicast");

/** Why no mail is sent to this address ("loopback", "private", …), or null for an ordinary one. */
export function specialAddress(text: string): string | null {
  const address = parseAddress(text);
  if (address === null) return "not an address";
  if (address.length === 4) return specialIpv4(address);
  const special = SPECIAL_IPV6.find((candidate) => contains(candidate, address));
  if (special !== undefined) return special.what;
  const carried = carriedBy(address);
  if (carried !== undefined) {
    const what = specialIpv4(carried.ipv4);
    return what === null ? null : `${carried.how}, ${what}`;
  }
  return contains(GLOBAL_UNICAST_IPV6, address) ? null : "reserved";
}

/** The octets of an address, of one that carries an IPv4 address those of that; null: it is not an address. */
export function reachedAddress(text: string): Uint8Array | null {
  const address = parseAddress(text);
  return address?.length === 16 ? carriedBy(address)?.ipv4 ?? address : address;
}

function carriedBy(ipv6: Uint8Array): { readonly ipv4: Uint8Array; readonly how: string } | undefined {
  const carrier = CARRIERS.find((candidate) => contains(candidate, ipv6));
  return carrier && { ipv4: ipv6.subarray(carrier.at, carrier.at + 4), how: carrier.what };
}

function specialIpv4(address: Uint8Array): string | null {
  return SPECIAL_IPV4.find((candidate) => contains(candidate, address))?.what ?? null;
}

function contains({ prefix, bits }: Block, address: Uint8Array): boolean {
  for (let octet = 0; octet * 8 < bits; octet++) {
    const mask = bits - octet * 8 >= 8 ? 0xff : (0xff << (8 - (bits - octet * 8))) & 0xff;
    if (((prefix[octet]! ^ address[octet]!) & mask) !== 0) return false;
  }
  return true;
}

function block(cidr: string, what: string): Block {
  const [text, bits] = cidr.split("/") as [string, string];
  const prefix = parseAddress(text);
  if (prefix === null) throw new TypeError(`not a prefix: ${cidr}`);
  return { prefix, bits: Number(bits), what };
}
