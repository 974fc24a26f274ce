/**
 * Domain names as they are asked for: lower-case ASCII, without the final dot, within RFC 1035's lengths.
 *
 * Pure. The grammar of a domain in an address is `relay/protocol`'s; this is only about what the DNS can be asked.
 */
import { isIP } from "node:net";
import { domainToASCII } from "node:url";

/** RFC 1035 2.3.4: 255 octets on the wire are 253 characters of text. */
const MAX_NAME_CHARACTERS = 253;
const NAME_IN_NORMAL_FORM = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;
// A label may hold any octet (RFC 2181 11): printable ASCII is asked for, what is escaped in this code is not.
const ANY_ASCII_NAME = /^[!-\-/-[\]-~]{1,63}(?:\.[!-\-/-[\]-~]{1,63})*$/;
const BEYOND_ASCII = /[^\0-\x7f]/;

/** A name as the resolver asks for it, or null where no such name can exist in the DNS (label or name too long, …). */
export function queryName(name: string): string | null {
  const normal = (name.endsWith(".") ? name.slice(0, -1) : name).toLowerCase();
  return normal.length <= MAX_NAME_CHARACTERS && ANY_ASCII_NAME.test(normal) ? normal : null;
}

/**
 * A mail domain with its U-labels turned into A-labels (RFC 5891 4.4), or null where the DNS can have no such domain.
 * Address literals are not domains: see `addressLiteral`.
 */
export function asciiDomain(domain: string): string | null {
  if (domain.length <= MAX_NAME_CHARACTERS && NAME_IN_NORMAL_FORM.test(domain)) return domain;
  if (!BEYOND_ASCII.test(domain)) return queryName(domain);
  const ascii = domainToASCII(domain);
  // The URL standard makes addresses of digits in other scripts; a mail domain is never one.
  return isIP(ascii) ? null : queryName(ascii);
}

/**
 * The address in a literal such as `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 4.1.3); "invalid" where the brackets
 * hold something else, and null where there are no brackets.
 */
export function addressLiteral(domain: string): string | "invalid" | null {
  if (!domain.startsWith("[")) return null;
  const inside = domain.endsWith("]") ? domain.slice(1, -1).toLowerCase() : "";
  if (isIP(inside) === 4) return inside;
  const tagged = inside.startsWith("ipv6:") ? inside.slice("ipv6:".length) : "";
  return isIP(tagged) === 6 && !tagged.includes("%") ? tagged : "invalid";
}
