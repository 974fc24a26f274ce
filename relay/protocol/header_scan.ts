/**
 * Reads from a message's header section what admission needs to know (RFC 5322 2.2), in one pass, without parsing
 * the fields it does not need.
 */
import { clip } from "./clip.ts";
import { type AutoSubmitted, autoSubmitted, type ReportType, reportType } from "./report_fields.ts";

export interface HeaderFacts {
  /** Trace fields of earlier hops (RFC 5321 4.4). */
  readonly receivedFields: number;
  readonly fromFields: number;
  /** The value of the first From field as it came, folds and all, to its end; null if there is none. */
  readonly fromValue: Uint8Array | null;
  /** The value of the first Message-ID field, clipped; null if there is none. */
  readonly messageIdField: string | null;
  /** What tells a non-delivery report; of the first field of each name. */
  readonly reportType: ReportType;
  readonly autoSubmitted: AutoSubmitted;
  readonly failedRecipientsField: boolean;
  /** Whether the empty line that ends the section was met. */
  readonly ended: boolean;
}

/** What is scanned of a message: longer header sections are none that a mail program writes. */
export const MAX_HEADER_OCTETS = 128 * 1024;

/** RFC 5322 2.1.1: a line has at most 998 octets. */
const MAX_VALUE_OCTETS = 998;
const CR = 13, LF = 10, COLON = 58, SPACE = 32, TAB = 9;
const decoder = new TextDecoder();

/** Scans `content`, the first octets of a message, up to the empty line that ends the header section, or to its end. */
export function scanHeader(content: Uint8Array): HeaderFacts {
  let receivedFields = 0, fromFields = 0;
  let fromValue: Uint8Array | null = null;
  let messageIdField: string | null = null;
  let report: ReportType | null = null, auto: AutoSubmitted | null = null;
  let failedRecipientsField = false;
  let start = 0;
  while (start < content.length && content[start] !== CR && content[start] !== LF) {
    const end = fieldEnd(content, start);
    // The first letter sorts out nearly every field before a name is read.
    switch (content[start]! | 0x20) {
      case 0x61: // a
        if (auto === null && isField(content, start, "auto-submitted")) {
          auto = autoSubmitted(fieldValue(content.subarray(start, end)));
        }
        break;
      case 0x63: // c
        if (report === null && isField(content, start, "content-type")) {
          report = reportType(fieldValue(content.subarray(start, end)));
        }
        break;
      case 0x78: // x
        if (isField(content, start, "x-failed-recipients")) failedRecipientsField = true;
        break;
      case 0x72: // r
        if (isField(content, start, "received")) receivedFields++;
        break;
      case 0x66: // f
        if (!isField(content, start, "from")) break;
        fromFields++;
        fromValue ??= rawValue(content.subarray(start, end));
        break;
      case 0x6d: // m
        if (messageIdField === null && isField(content, start, "message-id")) {
          messageIdField = fieldValue(content.subarray(start, end));
        }
        break;
    }
    start = end;
  }
  return {
    ...{ receivedFields, fromFields, fromValue, messageIdField, failedRecipientsField },
    reportType: report ?? "none",
    autoSubmitted: auto ?? "no",
    ended: start < content.length,
  };
}

/** The index behind a field's last line: the next line that does not start with a blank (RFC 5322 2.2.3). */
function fieldEnd(content: Uint8Array, start: number): number {
  let at = start;
  do {
    const lf = content.indexOf(LF, at);
    if (lf < 0) return content.length;
    at = lf + 1;
  } while (content[at] === SPACE || content[at] === TAB);
  return at;
}

/** Whether the field at `start` has this name (lower case); blanks before the colon are obsolete but read (4.5). */
function isField(content: Uint8Array, start: number, name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    const octet = content[start + at]!;
    const lower = octet >= 65 && octet <= 90 ? octet | 0x20 : octet;
    if (lower !== name.charCodeAt(at)) return false;
  }
  let at = start + name.length;
  while (content[at] === SPACE || content[at] === TAB) at++;
  return content[at] === COLON;
}

function rawValue(field: Uint8Array): Uint8Array {
  return field.subarray(field.indexOf(COLON) + 1);
}

function fieldValue(field: Uint8Array): string {
  const value = decoder.decode(rawValue(field).subarray(0, MAX_VALUE_OCTETS));
  // Octets that are not UTF-8 became longer by decoding.
  return clip(value.replace(/\p{Cc}+/gu, " ").trim(), MAX_VALUE_OCTETS);
}
