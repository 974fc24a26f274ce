/**
 * Addresses beyond ASCII where a parameter or a field has to hold them (RFC 6533 3): characters that may not stand there
 * as `\x{…}`. Pure.
 */

/** QCHAR of RFC 6533 3 and embedded characters; `\x{…}`, with a small x, and two to six hexadecimal digits. */
const IN_ASCII = /^(?:[!-*,-<>-[\]-~]|\\x\{[0-9A-Fa-f]{2,6}\})+$/;
/** The same, with UTF-8 as it is. */
const IN_UTF8 = /^(?:[!-*,-<>-[\]-~\u{a0}-\u{10ffff}]|\\x\{[0-9A-Fa-f]{2,6}\})+$/u;
const EMBEDDED = /\\x\{([0-9A-Fa-f]{2,6})\}/g;
const BEYOND_ASCII = /[^\0-\x7f]/gu;
/** What ASCII an address has to embed. */
const EMBEDDED_ASCII = /[^!-~]|[\\+=]/gu;
const CONTROL_OR_SURROGATE = /[\p{Cc}\p{Cs}]/u;
const LAST_CODE_POINT = 0x10ffff;

/** Which form of RFC 6533 3 it is, or undefined for none: a control character in disguise is in neither. */
export function utf8AddressForm(value: string): "utf-8-addr-xtext" | "utf-8-addr-unitext" | undefined {
  for (const [, hex] of value.matchAll(EMBEDDED)) {
    const codePoint = parseInt(hex!, 16);
    if (codePoint > LAST_CODE_POINT || CONTROL_OR_SURROGATE.test(String.fromCodePoint(codePoint))) return undefined;
  }
  if (IN_ASCII.test(value)) return "utf-8-addr-xtext";
  return IN_UTF8.test(value) ? "utf-8-addr-unitext" : undefined;
}

/** An address as utf-8-addr-xtext. */
export function encodeUtf8Address(address: string): string {
  return address.replace(EMBEDDED_ASCII, embedded);
}

/** Either form as utf-8-addr-xtext, which any server and any field can take. */
export function asUtf8AddressXtext(value: string): string {
  return value.replace(BEYOND_ASCII, embedded);
}

function embedded(character: string): string {
  return `\\x{${character.codePointAt(0)!.toString(16).toUpperCase().padStart(2, "0")}}`;
}
