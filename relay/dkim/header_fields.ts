/**
 * Which header fields a signature covers, and how they are written to be hashed (RFC 6376 3.4.2 and 5.4).
 *
 * Pure. Fields are strings with one character for each octet ("binary"), so that what is not ASCII stays as it came.
 */
import { Buffer } from "node:buffer";

const TAB = 9, LF = 10, CR = 13, SPACE = 32, COLON = 58, NO_BREAK_SPACE = 0xa0;
/** The bit that makes a capital letter a small one. */
const LOWER_CASE = 0x20;

export interface HeaderField {
  /** In lower case, without blanks. */
  readonly name: string;
  /** Behind the colon, as it came: folds, and the CRLF at its end. */
  readonly value: string;
}

/** What a signature covers. */
export interface Coverage {
  /** The h= tag: a name for each instance that is covered, from the last one up (5.4.2). */
  readonly names: readonly string[];
  /** The fields of these names in relaxed form, each with its CRLF; a name beyond those that are there adds nothing. */
  readonly canonical: string;
}

/** Once more than they are there: nobody adds one that people see, or answer to, behind the signature's back (8.15). */
const OVERSIGNED = ["from", "subject", "to", "cc", "reply-to"];
/** As often as they are there (5.4.1, and RFC 8058 4 for the last two). */
const SIGNED = [
  "sender",
  "date",
  "message-id",
  "in-reply-to",
  "references",
  "mime-version",
  "content-type",
  "content-transfer-encoding",
  "content-disposition",
  "list-id",
  "list-help",
  "list-subscribe",
  "list-owner",
  "list-unsubscribe",
  "list-unsubscribe-post",
];
/** Fields that a signature covers; a mail program writes each once, and a message with more is made to cost time. */
const MAX_COVERED_FIELDS = 100;

/** The fields of a header section, top to bottom; a line without a colon belongs to nothing and is left out. */
export function headerFields(section: Uint8Array): HeaderField[] {
  const text = Buffer.from(section.buffer, section.byteOffset, section.length).toString("latin1");
  return text.split(/(?<=\r\n)(?![ \t])/).flatMap((field) => {
    const colon = field.indexOf(":");
    return colon < 0 ? [] : [{ name: field.slice(0, colon).trim().toLowerCase(), value: field.slice(colon + 1) }];
  });
}

/**
 * The values of the fields of a name (in lower-case letters), as `headerFields` tells names, top to bottom. For most
 * messages no other field is asked for: the rest need not become strings.
 */
export function valuesOf(section: Uint8Array, name: string): Uint8Array[] {
  const values: Uint8Array[] = [];
  let colon = -1;
  for (let from = 0, end; from < section.length; from = end) {
    end = endOfField(section, from);
    // Not anew for each of many lines without one.
    if (colon < from) colon = section.indexOf(COLON, from);
    if (colon < 0) break;
    if (colon < end && isName(section, from, colon, name)) values.push(section.subarray(colon + 1, end));
  }
  return values;
}

/** Behind the CRLF that no blank follows. */
function endOfField(section: Uint8Array, from: number): number {
  for (let lf = section.indexOf(LF, from); lf >= 0; lf = section.indexOf(LF, lf + 1)) {
    const next = section[lf + 1];
    if (section[lf - 1] === CR && next !== SPACE && next !== TAB) return lf + 1;
  }
  return section.length;
}

/** Whether letters in either case, and blanks around them, are this name. */
function isName(section: Uint8Array, from: number, end: number, name: string): boolean {
  while (from < end && isBlank(section[from]!)) from++;
  while (from < end && isBlank(section[end - 1]!)) end--;
  if (end - from !== name.length) return false;
  for (let at = 0; at < name.length; at++) if ((section[from + at]! | LOWER_CASE) !== name.charCodeAt(at)) return false;
  return true;
}

/** As `String.trim` sees it: TAB, LF, VT, FF, CR, SPACE, and the no-break space of Latin-1. */
function isBlank(octet: number): boolean {
  return octet === SPACE || (octet >= TAB && octet <= CR) || octet === NO_BREAK_SPACE;
}

/** null where more fields would be covered than a signature takes. */
export function cover(fields: readonly HeaderField[]): Coverage | null {
  const byName = Map.groupBy(fields, ({ name }) => name);
  const names: string[] = [];
  let canonical = "";
  for (const name of [...OVERSIGNED, ...SIGNED]) {
    for (const field of byName.get(name)?.toReversed() ?? []) {
      names.push(name);
      canonical += `${relaxed(field)}\r\n`;
    }
    if (OVERSIGNED.includes(name)) names.push(name);
    if (names.length > MAX_COVERED_FIELDS) return null;
  }
  return { names, canonical };
}

/** RFC 6376 3.4.2, without the CRLF at its end. */
export function relaxed({ name, value }: HeaderField): string {
  const unfolded = value.replaceAll("\r\n", "").replace(/[ \t]+/g, " ");
  return `${name}:${unfolded.replace(/^ | $/g, "")}`;
}
