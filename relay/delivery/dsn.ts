/**
 * Composes the DSN about recipients that failed or expired: multipart/report of RFC 6522 with words for people, fields
 * for programs (RFC 3464), and the original's header.
 *
 * Pure. Its size is bounded by what it is given: at most 100 recipients, clipped replies, a bounded header. Lines end
 * in CRLF; what is not ASCII is encoded, except addresses in To, which SMTPUTF8 then allows (RFC 6532).
 */
import { encodeBase64 } from "@std/encoding";
import type { Envelope } from "../envelope.ts";
import type { NewMessage } from "../spool/types.ts";
import { mailDate, statusLines } from "./dsn_status.ts";
import { failureLines } from "./dsn_words.ts";
import type { Ending } from "./round_outcome.ts";

export interface DsnFacts {
  /** The DSN's own message id. */
  readonly id: string;
  /** The name that customers know; the DSN comes from its MAILER-DAEMON. */
  readonly serviceName: string;
  readonly now: number;
  /** The message that is reported on; its reverse path is not the null one. */
  readonly original: Envelope;
  /** The original's header fields, each line ending in CRLF. */
  readonly header: Uint8Array;
  /** At least one. */
  readonly failed: readonly Ending[];
}

const BEYOND_ASCII = /[^\0-\x7f]/;
/** A line that needs no encoding (RFC 2045 2.7, RFC 5322 2.1.1). */
const PLAIN_LINE = /^[\t -~]{0,998}$/;
/** RFC 2045 6.8. */
const BASE64_LINE = /.{1,76}/g;
const encoder = new TextEncoder();

export function composeDsn(facts: DsnFacts): NewMessage {
  const { id, serviceName, now, original } = facts;
  const messageIdField = `<${id}@${serviceName}>`;
  const content = encoder.encode(messageLines(facts, messageIdField).map((line) => `${line}\r\n`).join(""));
  return {
    content,
    envelope: {
      id,
      account: original.account,
      reversePath: "",
      recipients: [original.reversePath],
      body: "7BIT",
      smtputf8: BEYOND_ASCII.test(original.reversePath),
      sizeBytes: content.length,
      receivedAt: now,
      reservation: null,
      origin: null,
      messageIdField,
    },
  };
}

function messageLines(facts: DsnFacts, messageIdField: string): string[] {
  const { id, serviceName, now, original, header, failed } = facts;
  const { receivedAt } = original;
  // The id's random part cannot be known to who wrote the original, so no line of it can be the boundary.
  const boundary = `=_${id}`;
  return [
    `From: Mail delivery <MAILER-DAEMON@${serviceName}>`,
    `To: <${original.reversePath}>`,
    `Subject: Your message could not be delivered to ${failed.length === 1 ? "its recipient" : "some recipients"}`,
    `Date: ${mailDate(now)}`,
    `Message-ID: ${messageIdField}`,
    ...(original.messageIdField === null ? [] : references(original.messageIdField)),
    "Auto-Submitted: auto-replied", // RFC 3834 5
    "MIME-Version: 1.0",
    `Content-Type: multipart/report; report-type=delivery-status;`,
    `\tboundary="${boundary}"`,
    "",
    "This is a report in MIME format about a message that could not be delivered.",
    ...part(boundary, "text/plain", failureLines({ serviceName, messageId: original.id, receivedAt, failed })),
    ...part(boundary, "message/delivery-status", statusLines({ serviceName, receivedAt, failed, now })),
    ...part(boundary, "text/rfc822-headers", headerLines(header)),
    "",
    `--${boundary}--`,
  ];
}

function references(messageIdField: string): string[] {
  // Only what is a message id and nothing else; it is the original sender's text.
  return /^<[!-;=?-~]{1,250}>$/.test(messageIdField) ? [`In-Reply-To: ${messageIdField}`] : [];
}

function headerLines(header: Uint8Array): string[] {
  return new TextDecoder().decode(header).replace(/\r\n$/, "").split("\r\n");
}

function part(boundary: string, type: string, lines: readonly string[]): string[] {
  const isPlain = lines.every((line) => PLAIN_LINE.test(line));
  const charset = type.startsWith("text/") ? `; charset=${isPlain ? "us-ascii" : "utf-8"}` : "";
  return [
    "",
    `--${boundary}`,
    `Content-Type: ${type}${charset}`,
    `Content-Transfer-Encoding: ${isPlain ? "7bit" : "base64"}`,
    "",
    ...(isPlain ? lines : encodeBase64(encoder.encode(`${lines.join("\r\n")}\r\n`)).match(BASE64_LINE) ?? []),
  ];
}
