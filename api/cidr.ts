/**
 * IP addresses and networks, reduced to one exact form. Pure.
 *
 * Everything is counted in the 128 bits of IPv6: an IPv4 address is its IPv4-mapped one (RFC 4291 2.5.5.2), so that
 * 192.0.2.7 and ::ffff:192.0.2.7 are the same address. A network's key is its first address as 32 hexadecimal digits,
 * "/", and the length of its prefix in 128.
 */
import { isIPv4, isIPv6 } from "node:net";

const BITS = 128;
/** Bits before the 32 of an IPv4-mapped address, and their value. */
const MAPPED_PREFIX = 96;
const MAPPED = 0xffffn << 32n;

export interface Network {
  readonly key: string;
  /** In its usual writing: "192.0.2.0/24", "2001:db8::/48". */
  readonly cidr: string;
  readonly family: 4 | 6;
  /** Length of the prefix in the family's own count: of 32 or of 128. */
  readonly prefix: number;
}

const bitsOfIpv4 = (text: string): bigint => text.split(".").reduce((bits, octet) => (bits << 8n) | BigInt(octet), 0n);

/** The URL parser (WHATWG, "host serializing") writes any IPv6 address in the one form of RFC 5952. */
const canonicalIpv6 = (text: string): string => new URL(`http://[${text}]/`).hostname.slice(1, -1);

const bitsOfIpv6 = (text: string): bigint => {
  const [head = "", tail] = canonicalIpv6(text).split("::");
  const groups = (part: string): string[] => part === "" ? [] : part.split(":");
  const before = groups(head);
  const after = groups(tail ?? "");
  const zeros: string[] = Array(8 - before.length - after.length).fill("0");
  return [...before, ...zeros, ...after].reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
};

/** The 128 bits of an address in text, or null where it is none. A zone (fe80::1%eth0) is not an address to us. */
const parseBits = (text: string): bigint | null => {
  if (isIPv4(text)) return MAPPED | bitsOfIpv4(text);
  if (isIPv6(text) && !text.includes("%")) return bitsOfIpv6(text);
  return null;
};

const isMapped = (bits: bigint): boolean => bits >> 32n === 0xffffn;
const mask = (bits: bigint, prefix: number): bigint => (bits >> BigInt(BITS - prefix)) << BigInt(BITS - prefix);
const keyOf = (bits: bigint, prefix: number): string => `${bits.toString(16).padStart(32, "0")}/${prefix}`;

const writeAddress = (bits: bigint): string =>
  isMapped(bits)
    ? [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 0xffn).join(".")
    : canonicalIpv6(bits.toString(16).padStart(32, "0").match(/.{4}/g)?.join(":") ?? "");

/**
 * Reads "192.0.2.0/24", "2001:db8::/48", or an address alone, which is the network of that one address.
 *
 * @returns the network, or words for what was expected instead.
 */
export const parseNetwork = (text: string): Network | string => {
  const [address = "", length, ...rest] = text.split("/");
  const bits = parseBits(address);
  const width = isIPv4(address) ? BITS - MAPPED_PREFIX : BITS;
  if (bits === null || rest.length > 0) return "expected an IPv4 or IPv6 network such as 192.0.2.7/32 or 2001:db8::/48";
  if (length !== undefined && (!/^\d{1,3}$/.test(length) || Number(length) > width)) {
    return `expected a prefix length of 0 to ${width}`;
  }
  const prefix = (length === undefined ? width : Number(length)) + BITS - width;
  if (mask(bits, prefix) !== bits) {
    return `expected the network's first address: ${writeAddress(mask(bits, prefix))}/${length}`;
  }
  const family = isMapped(bits) && prefix >= MAPPED_PREFIX ? 4 : 6;
  const own = family === 4 ? prefix - MAPPED_PREFIX : prefix;
  return { key: keyOf(bits, prefix), cidr: `${writeAddress(bits)}/${own}`, family, prefix: own };
};

/** The keys of all networks that an address can lie in, or null where the text is no address. */
export const keysAround = (address: string): string[] | null => {
  const bits = parseBits(address);
  if (bits === null) return null;
  // ::/0 is a network of IPv6: no IPv4 address lies in it.
  const widest = isMapped(bits) ? MAPPED_PREFIX : 0;
  return Array.from({ length: BITS - widest + 1 }, (_, n) => keyOf(mask(bits, BITS - n), BITS - n));
};

/** Bits of what one customer or one attacker usually has, of 128: an IPv4 address, an IPv6 /64 (RFC 6177). */
const SITE_PREFIX: Record<Network["family"], number> = { 4: BITS, 6: 64 };

/** The key of the site that an address lies in; the text itself where it is no address. */
export const siteOf = (address: string): string => {
  const bits = parseBits(address);
  if (bits === null) return address;
  const prefix = SITE_PREFIX[isMapped(bits) ? 4 : 6];
  return keyOf(mask(bits, prefix), prefix);
};
