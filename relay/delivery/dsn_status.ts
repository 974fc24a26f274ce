/** The part of a DSN that programs read: message/delivery-status (RFC 3464 2, addresses by RFC 6533 3). Pure. */
import type { Ending } from "./round_outcome.ts";

export interface StatusReport {
  /** The name of the MTA that reports. */
  readonly serviceName: string;
  readonly receivedAt: number;
  readonly failed: readonly Ending[];
  readonly now: number;
}

/** Characters of a remote server's words in Diagnostic-Code; folded, they make no line too long. */
const DIAGNOSTIC_CHARACTERS = 500;

/** Lines without line ends, all ASCII. */
export function statusLines({ serviceName, receivedAt, failed, now }: StatusReport): string[] {
  return [
    `Reporting-MTA: dns; ${ascii(serviceName)}`,
    `Arrival-Date: ${mailDate(receivedAt)}`,
    ...failed.flatMap((ending) => ["", ...recipientFields(ending, now)]),
  ];
}

function recipientFields({ forwardPath, status, host, verdict }: Ending, now: number): string[] {
  const fields = [
    `Final-Recipient: ${typedAddress(forwardPath)}`,
    "Action: failed",
    // RFC 3463 3.5: X.4.7 delivery time expired; whatever the last attempt said stands in Diagnostic-Code.
    `Status: ${status === "expired" ? "4.4.7" : verdict.status}`,
  ];
  if (host !== null) fields.push(`Remote-MTA: dns; ${ascii(host)}`);
  if (verdict.fromRemote) fields.push(`Diagnostic-Code: smtp; ${ascii(verdict.reply).slice(0, DIAGNOSTIC_CHARACTERS)}`);
  fields.push(`Last-Attempt-Date: ${mailDate(now)}`);
  return fields;
}

/** RFC 6533 3: an address beyond ASCII, in its 7-bit form. */
function typedAddress(address: string): string {
  if (!/[^ -~]/.test(address)) return `rfc822; ${address}`;
  const encoded = address.replace(
    /[^!-~]|[\\+=]/gu,
    (character) => `\\x{${character.codePointAt(0)!.toString(16).toUpperCase().padStart(2, "0")}}`,
  );
  return `utf-8; ${encoded}`;
}

function ascii(text: string): string {
  return text.replace(/[^ -~]/gu, "?");
}

/** RFC 5322 3.3. */
export function mailDate(time: number): string {
  return new Date(time).toUTCString().replace("GMT", "+0000");
}
