/**
 * Paths as the RFCs spell them, read one character after another: the model's own
 * reading, to compare the relay's with. Slow and plain on purpose; it shares nothing with the relay.
 *
 * Where the relay is knowingly more lenient than the grammar, the line says so.
 */

export type PathRead =
  | { readonly kind: "mailbox"; readonly address: string; readonly domain: string; readonly beyondAscii: boolean }
  | { readonly kind: "null" }
  | { readonly kind: "postmaster" };

const encoder = new TextEncoder();

/** A cursor over characters (not UTF-16 code units). */
export class Cursor {
  readonly #characters: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#characters = [...text];
  }

  get rest(): string {
    return this.#characters.slice(this.#at).join("");
  }

  /** Takes the next character if it is one of these. */
  take(isWanted: (character: string) => boolean): string | undefined {
    const next = this.#characters[this.#at];
    if (next === undefined || !isWanted(next)) return undefined;
    this.#at++;
    return next;
  }

  takeWhile(isWanted: (character: string) => boolean): string {
    let taken = "";
    for (let next = this.take(isWanted); next !== undefined; next = this.take(isWanted)) taken += next;
    return taken;
  }

  takeText(text: string): boolean {
    const start = this.#at;
    for (const character of text) {
      if (this.take((next) => lower(next) === lower(character)) !== undefined) continue;
      this.#at = start;
      return false;
    }
    return true;
  }

  /** Tries an alternative of the grammar: what it took is given back if it does not fit. */
  attempt<T>(read: () => T | undefined): T | undefined {
    const start = this.#at;
    const result = read();
    if (result === undefined) this.#at = start;
    return result;
  }
}

/** ASCII only: no other letter is a letter of a keyword. */
export function lower(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 32));
}

const isDigit = (character: string) => character >= "0" && character <= "9";
const isLetter = (character: string) => /^[a-zA-Z]$/.test(character);
/** RFC 6531 3.3: UTF8-non-ascii; the C1 controls never get as far as here. */
const isBeyondAscii = (character: string) => character.codePointAt(0)! > 127;
const isAtext = (character: string) =>
  isLetter(character) || isDigit(character) || isBeyondAscii(character) || "!#$%&'*+-/=?^_`{|}~".includes(character);

/** Reverse-path or Forward-path (RFC 5321 4.1.2); undefined: neither. */
export function readPath(cursor: Cursor): PathRead | undefined {
  if (cursor.takeText("<>")) return { kind: "null" };
  if (cursor.takeText("<postmaster>")) return { kind: "postmaster" };
  if (!cursor.takeText("<")) return undefined;
  cursor.attempt(() => readSourceRoute(cursor));
  const localPart = cursor.attempt(() => readDotString(cursor)) ?? cursor.attempt(() => readQuotedString(cursor));
  if (localPart === undefined || !cursor.takeText("@")) return undefined;
  const domain = readDomainOrLiteral(cursor);
  if (domain === undefined || !cursor.takeText(">")) return undefined;
  const address = `${localPart}@${domain}`;
  const octets = (text: string) => encoder.encode(text).length;
  // RFC 5321 4.5.3.1.1 to 4.5.3.1.3: the path's 256 octets count its brackets.
  if (octets(localPart) > 64 || octets(domain) > 255 || octets(address) > 254) return undefined;
  const beyondAscii = [...address].some(isBeyondAscii);
  return { kind: "mailbox", address, domain: domain.toLowerCase(), beyondAscii };
}

/** A-d-l ":", of no consequence (RFC 5321 appendix C). */
function readSourceRoute(cursor: Cursor): true | undefined {
  do {
    if (!cursor.takeText("@") || readDomainOrLiteral(cursor) === undefined) return undefined;
  } while (cursor.takeText(","));
  return cursor.takeText(":") || undefined;
}

function readDotString(cursor: Cursor): string | undefined {
  let text = "";
  while (true) {
    const atom = cursor.takeWhile(isAtext);
    if (atom === "") return undefined;
    text += atom;
    if (cursor.take((next) => next === ".") === undefined) return text;
    text += ".";
  }
}

function readQuotedString(cursor: Cursor): string | undefined {
  let text = cursor.take((next) => next === '"');
  while (text !== undefined) {
    const next = cursor.take(() => true);
    if (next === undefined) return undefined;
    text += next;
    if (next === '"') return text;
    if (next !== "\\") continue;
    // quoted-pairSMTP: any printable character or a blank.
    const quoted = cursor.take((character) => character >= " " && character <= "~");
    if (quoted === undefined) return undefined;
    text += quoted;
  }
  return undefined;
}

function readDomainOrLiteral(cursor: Cursor): string | undefined {
  return cursor.attempt(() => readLiteral(cursor)) ?? cursor.attempt(() => readDomain(cursor));
}

function readDomain(cursor: Cursor): string | undefined {
  const labels: string[] = [];
  do {
    // Lenient: an underscore, which names that work do have.
    const label = cursor.takeWhile((next) =>
      isLetter(next) || isDigit(next) || next === "-" || next === "_" || isBeyondAscii(next)
    );
    // RFC 1035 2.3.4: 63 octets.
    if (label === "" || label.startsWith("-") || label.endsWith("-") || encoder.encode(label).length > 63) {
      return undefined;
    }
    labels.push(label);
  } while (cursor.takeText("."));
  return labels.join(".");
}

/** RFC 5321 4.1.3, without General-address-literal: no tag for it was ever registered. */
function readLiteral(cursor: Cursor): string | undefined {
  if (!cursor.takeText("[")) return undefined;
  const inside = cursor.takeWhile((next) => next !== "]");
  if (!cursor.takeText("]")) return undefined;
  const ipv6 = lower(inside).startsWith("ipv6:");
  return (ipv6 ? isIpv6(inside.slice(5)) : isIpv4(inside)) ? `[${inside}]` : undefined;
}

function isIpv4(text: string): boolean {
  const numbers = text.split(".");
  return numbers.length === 4 && numbers.every((number) => /^[0-9]{1,3}$/.test(number) && Number(number) <= 255);
}

/** RFC 4291 2.2. */
function isIpv6(text: string): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [at, half] of halves.entries()) {
    if (half === "") continue;
    const pieces = half.split(":");
    const last = pieces.at(-1)!;
    if (last.includes(".") && at === halves.length - 1) {
      if (!isIpv4(last) || last.split(".").some((number) => number.length > 1 && number.startsWith("0"))) return false;
      pieces.splice(-1, 1, "0", "0");
    }
    if (!pieces.every((piece) => /^[0-9a-fA-F]{1,4}$/.test(piece))) return false;
    groups += pieces.length;
  }
  return halves.length === 2 ? groups < 8 : groups === 8;
}
