/**
 * xtext (RFC 3461 4): printable ASCII inside a parameter's value, what may not stand there as "+" and two hexadecimal
 * digits. Pure.
 */

const XTEXT = /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/;
const ENCODED = /\+([0-9A-F]{2})/g;
const TO_ENCODE = /[^!-*,-<>-~]/g;
/** RFC 3461 4.2 and 4.4: what is encoded is printable ASCII and blanks; no control character comes in disguise. */
const PRINTABLE = /^[ -~]*$/;

/** The decoded text, or undefined where it is not xtext, or of anything but printable ASCII. */
export function decodeXtext(xtext: string): string | undefined {
  if (!XTEXT.test(xtext)) return undefined;
  const text = xtext.replace(ENCODED, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return PRINTABLE.test(text) ? text : undefined;
}

/** @throws {TypeError} if the text has anything but printable ASCII and blanks. */
export function encodeXtext(text: string): string {
  if (!PRINTABLE.test(text)) throw new TypeError("xtext is made of printable ASCII only");
  return text.replace(TO_ENCODE, (character) => `+${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
