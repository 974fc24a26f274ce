/**
 * The grammar of reverse and forward paths (RFC 5321 4.1.2, with the UTF-8 of RFC 6531 3.3), and nothing looser.
 *
 * The one parser of addresses that came over SMTP: what it returns is what is looked up, stored and sent on, so
 * nothing that was not understood reaches a next hop. It does not look anything up.
 */

export interface Mailbox {
  /** As it is sent on: local part "@" domain, without a source route. */
  readonly address: string;
  readonly localPart: string;
  /** Lower case; an address literal with its brackets, "[192.0.2.1]". */
  readonly domain: string;
  /** Whether a character beyond ASCII occurs, so that SMTPUTF8 is needed (RFC 6531 3.4). */
  readonly utf8: boolean;
}

export type ParsedPath =
  | { readonly kind: "mailbox"; readonly mailbox: Mailbox; readonly end: number }
  /** The null reverse path, `<>`. */
  | { readonly kind: "null"; readonly end: number }
  /** `<Postmaster>` without a domain (RFC 5321 4.1.1.3). */
  | { readonly kind: "postmaster"; readonly end: number }
  | { readonly kind: "error"; readonly why: string };

/** RFC 5321 4.5.3.1.1. */
const MAX_LOCAL_PART_OCTETS = 64;
/** RFC 5321 4.5.3.1.2. */
const MAX_DOMAIN_OCTETS = 255;
/** RFC 1035 2.3.4. */
const MAX_LABEL_OCTETS = 63;
/** RFC 5321 4.5.3.1.3: 256 octets with the angle brackets. */
const MAX_ADDRESS_OCTETS = 254;

// Atext of RFC 5321 by way of RFC 5322 3.2.3, and any character beyond ASCII but the C1 controls (RFC 6531 3.3).
const DOT_STRING =
  /[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u{a0}-\u{10ffff}]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u{a0}-\u{10ffff}]+)*/uy;
const QUOTED_STRING = /"(?:[ !#-[\]-~\u{a0}-\u{10ffff}]|\\[ -~])*"/uy;
// An underscore is not in the grammar but in names that work; the DNS decides whether the domain exists.
const DOMAIN =
  /[A-Za-z0-9_\u{a0}-\u{10ffff}](?:[A-Za-z0-9_\-\u{a0}-\u{10ffff}]*[A-Za-z0-9_\u{a0}-\u{10ffff}])?(?:\.[A-Za-z0-9_\u{a0}-\u{10ffff}](?:[A-Za-z0-9_\-\u{a0}-\u{10ffff}]*[A-Za-z0-9_\u{a0}-\u{10ffff}])?)*/uy;
const ADDRESS_LITERAL = /\[(?:(\d{1,3}(?:\.\d{1,3}){3})|IPv6:([0-9a-f:.]{2,45}))\]/iy;
const BEYOND_ASCII = /[^\0-\x7f]/;
const encoder = new TextEncoder();

/** Parses a path that starts with "<" at `start`; `end` is the index behind its ">". */
export function parsePath(text: string, start: number): ParsedPath {
  if (text[start] !== "<") return error("an address stands in angle brackets");
  if (text[start + 1] === ">") return { kind: "null", end: start + 2 };
  const close = text.indexOf(">", start);
  if (close >= 0 && text.slice(start + 1, close).toLowerCase() === "postmaster") {
    return { kind: "postmaster", end: close + 1 };
  }
  const parsed = parseMailbox(text, skipSourceRoute(text, start + 1));
  if ("why" in parsed) return parsed;
  if (text[parsed.end] !== ">") return error('">" expected behind the address');
  return { kind: "mailbox", mailbox: parsed.mailbox, end: parsed.end + 1 };
}

/** RFC 5321 4.1.1.3 and appendix C: a source route is accepted and ignored. Gives the index behind it. */
function skipSourceRoute(text: string, start: number): number {
  let at = start;
  do {
    const host = text[at] === "@" ? matchDomain(text, at + 1) : undefined;
    if (host === undefined) return start;
    at += 1 + host.length;
  } while (text[at++] === ",");
  return text[at - 1] === ":" ? at : start;
}

function parseMailbox(
  text: string,
  start: number,
): { mailbox: Mailbox; end: number } | { kind: "error"; why: string } {
  const localPart = match(DOT_STRING, text, start) ?? match(QUOTED_STRING, text, start);
  if (localPart === undefined) return error("the part before @ is not well formed");
  const at = start + localPart.length;
  if (text[at] !== "@") return error("an address needs a domain: user@example.com");
  const domain = matchDomain(text, at + 1);
  if (domain === undefined) return error("the domain is not well formed");
  const address = `${localPart}@${domain}`;
  const utf8 = BEYOND_ASCII.test(address);
  const octets = (part: string) => utf8 ? encoder.encode(part).length : part.length;
  if (octets(localPart) > MAX_LOCAL_PART_OCTETS) return error("the part before @ is longer than 64 octets");
  if (octets(domain) > MAX_DOMAIN_OCTETS) return error("the domain is longer than 255 octets");
  if (octets(address) > MAX_ADDRESS_OCTETS) return error("the address is longer than 254 octets");
  if (domain.split(".").some((label) => octets(label) > MAX_LABEL_OCTETS) && domain[0] !== "[") {
    return error("a part of the domain is longer than 63 octets");
  }
  return { mailbox: { address, localPart, domain: domain.toLowerCase(), utf8 }, end: at + 1 + domain.length };
}

function matchDomain(text: string, start: number): string | undefined {
  return text[start] === "[" ? matchLiteral(text, start) : match(DOMAIN, text, start);
}

/** RFC 5321 4.1.3: an IPv4 or IPv6 literal whose address is one. */
function matchLiteral(text: string, start: number): string | undefined {
  ADDRESS_LITERAL.lastIndex = start;
  const found = ADDRESS_LITERAL.exec(text);
  if (found === null) return undefined;
  const [literal, ipv4, ipv6] = found;
  const url = ipv4 ?? `[${ipv6}]`;
  const valid = ipv4 === undefined
    ? URL.canParse(`smtp://${url}`)
    : ipv4.split(".").every((part) => Number(part) < 256);
  return valid ? literal : undefined;
}

function match(pattern: RegExp, text: string, start: number): string | undefined {
  pattern.lastIndex = start;
  return pattern.exec(text)?.[0];
}

function error(why: string): { kind: "error"; why: string } {
  return { kind: "error", why };
}
