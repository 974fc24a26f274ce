/**
 * Composes the DSN about recipients that failed, are late or were passed on: multipart/report of RFC 6522 with words
 * for people, fields for programs (RFC 3464), and the original's header or the original.
 *
 * Pure. Its size is bounded by what it is given: the recipients of one message, clipped replies, a bounded original.
 * Lines end in CRLF; what is not ASCII is encoded, except addresses in To, which SMTPUTF8 then allows (RFC 6532), and
 * an original that is given back whole.
 */
import { encodeBase64 } from "@std/encoding";
import { isUtf8 } from "node:buffer";
import type { Envelope } from "../envelope.ts";
import { mailDate } from "../protocol/mail_text.ts";
import type { NewMessage } from "../spool/types.ts";
import type { DsnAction } from "./dsn_duty.ts";
import { statusLines } from "./dsn_status.ts";
import { storyLines, subjectOf } from "./dsn_words.ts";
import type { ReturnedContent } from "./returned_content.ts";
import type { Ending } from "./round_outcome.ts";
import { isInternational } from "./smtputf8_need.ts";

export interface DsnFacts {
  /** The DSN's own message id. */
  readonly id: string;
  /** The name that customers know; the DSN comes from its MAILER-DAEMON. */
  readonly serviceName: string;
  readonly now: number;
  /** The message that is reported on; its reverse path is not the null one. */
  readonly original: Envelope;
  readonly returned: ReturnedContent;
  readonly action: DsnAction;
  /** At least one; all of this action. */
  readonly endings: readonly Ending[];
  /** Epoch ms: when the relay gives up on the original. */
  readonly retryUntil: number;
}

/** A line that needs no encoding (RFC 2045 2.7, RFC 5322 2.1.1). */
const PLAIN_LINE = /^[\t -~]{0,998}$/;
/** RFC 2045 6.8. */
const BASE64_LINE = /.{1,76}/g;
const encoder = new TextEncoder();
/** A character for each octet; none beyond ASCII becomes one within. */
const latin1 = new TextDecoder("latin1");

export function composeDsn(facts: DsnFacts): NewMessage {
  const { id, serviceName, now, original, returned } = facts;
  const messageIdField = `<${id}@${serviceName}>`;
  // The id's random part cannot be known to who wrote the original, so no line of it can be the boundary.
  const boundary = `=_${id}`;
  const body = joined(reportOf(facts, boundary), returnedPart(original, returned, boundary), ["", `--${boundary}--`]);
  const eightBit = body.some(isBeyondAscii);
  const header = joined(headerOf(facts, messageIdField, boundary, eightBit));
  const content = joined(header, body);
  return {
    content,
    envelope: {
      id,
      account: original.account,
      reversePath: "",
      recipients: [original.reversePath],
      body: eightBit || header.some(isBeyondAscii) ? "8BITMIME" : "7BIT",
      smtputf8: isInternational(original.reversePath),
      // RFC 3461 6.1: RET must not be used; nobody wants a report about a report.
      dsnRequest: null,
      sizeBytes: content.length,
      receivedAt: now,
      reservation: null,
      origin: null,
      policy: null,
      messageIdField,
    },
  };
}

function headerOf(facts: DsnFacts, messageIdField: string, boundary: string, eightBit: boolean): string[] {
  const { serviceName, now, original } = facts;
  return [
    `From: Mail delivery <MAILER-DAEMON@${serviceName}>`,
    `To: <${original.reversePath}>`,
    `Subject: ${subjectOf(facts)}`,
    `Date: ${mailDate(now)}`,
    `Message-ID: ${messageIdField}`,
    ...(original.messageIdField === null ? [] : references(original.messageIdField)),
    "Auto-Submitted: auto-replied", // RFC 3834 5
    "MIME-Version: 1.0",
    `Content-Type: multipart/report; report-type=delivery-status;`,
    `\tboundary="${boundary}"`,
    ...(eightBit ? ["Content-Transfer-Encoding: 8bit"] : []), // RFC 2045 6.4: as its part; 7bit goes without saying
    "",
  ];
}

function references(messageIdField: string): string[] {
  // Only what is a message id and nothing else; it is the original sender's text.
  return /^<[!-;=?-~]{1,250}>$/.test(messageIdField) ? [`In-Reply-To: ${messageIdField}`] : [];
}

function reportOf(facts: DsnFacts, boundary: string): Uint8Array {
  const { original: { id: messageId, receivedAt, dsnRequest }, returned } = facts;
  const story = storyLines({ ...facts, messageId, receivedAt, returned: returned.kind });
  return joined(
    ["This is a report in MIME format about what became of a message."],
    part(boundary, "text/plain", joined(story)),
    part(boundary, "message/delivery-status", joined(statusLines({ ...facts, receivedAt, dsnRequest }))),
  );
}

/** RFC 6522 3: the third part. */
function returnedPart({ smtputf8 }: Envelope, { kind, octets }: ReturnedContent, boundary: string): Uint8Array {
  if (kind === "header") return part(boundary, "text/rfc822-headers", octets);
  const eightBit = octets.some(isBeyondAscii);
  // RFC 6532 3.7: what may have UTF-8 in its header; anything else is an ordinary message. Neither may be encoded
  // (RFC 2046 5.2.1).
  const type = smtputf8 && eightBit ? "message/global" : "message/rfc822";
  return joined(
    ["", `--${boundary}`, `Content-Type: ${type}`, `Content-Transfer-Encoding: ${eightBit ? "8bit" : "7bit"}`, ""],
    octets,
  );
}

/** @param octets lines that end in CRLF; what is encoded of them is the octets, whatever they mean. */
function part(boundary: string, type: string, octets: Uint8Array): Uint8Array {
  const isPlain = latin1.decode(octets).split("\r\n").every((line) => PLAIN_LINE.test(line));
  // RFC 1428 4: what a sender wrote without saying in which character set.
  const charset = isPlain ? "us-ascii" : isUtf8(octets) ? "utf-8" : "unknown-8bit";
  return joined(
    [
      "",
      `--${boundary}`,
      `Content-Type: ${type}${type.startsWith("text/") ? `; charset=${charset}` : ""}`,
      `Content-Transfer-Encoding: ${isPlain ? "7bit" : "base64"}`,
      "",
    ],
    isPlain ? octets : encodeBase64(octets).match(BASE64_LINE) ?? [],
  );
}

function isBeyondAscii(octet: number): boolean {
  return octet > 0x7f;
}

/** Lines without line ends, and octets as they are, one after another. */
function joined(...pieces: readonly (readonly string[] | Uint8Array)[]): Uint8Array {
  const parts = pieces.map((piece) =>
    piece instanceof Uint8Array ? piece : encoder.encode(piece.map((line) => `${line}\r\n`).join(""))
  );
  const whole = new Uint8Array(parts.reduce((length, { length: more }) => length + more, 0));
  let used = 0;
  for (const octets of parts) {
    whole.set(octets, used);
    used += octets.length;
  }
  return whole;
}
