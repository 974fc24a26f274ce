/**
 * Which header fields a signature covers, and how they are written to be hashed (RFC 6376 3.4.2 and 5.4).
 *
 * Pure. Fields are strings with one character for each octet ("binary"), so that what is not ASCII stays as it came.
 */
import { Buffer } from "node:buffer";

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
export const MAX_COVERED_FIELDS = 100;

/** The fields of a header section, top to bottom; a line without a colon belongs to nothing and is left out. */
export function headerFields(section: Uint8Array): HeaderField[] {
  const text = Buffer.from(section.buffer, section.byteOffset, section.length).toString("latin1");
  return text.split(/(?<=\r\n)(?![ \t])/).flatMap((field) => {
    const colon = field.indexOf(":");
    return colon < 0 ? [] : [{ name: field.slice(0, colon).trim().toLowerCase(), value: field.slice(colon + 1) }];
  });
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
