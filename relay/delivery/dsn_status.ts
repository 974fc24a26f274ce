/** The part of a DSN that programs read: message/delivery-status (RFC 3464 2, addresses by RFC 6533 3). Pure. */
import type { DsnRequest } from "../envelope.ts";
import { mailDate } from "../protocol/mail_text.ts";
import { asUtf8AddressXtext, encodeUtf8Address } from "../protocol/utf8_address.ts";
import { decodeXtext } from "../protocol/xtext.ts";
import type { DsnAction } from "./dsn_duty.ts";
import type { Ending } from "./round_outcome.ts";

export interface StatusReport {
  /** The name of the MTA that reports. */
  readonly serviceName: string;
  readonly receivedAt: number;
  readonly dsnRequest: DsnRequest | null;
  readonly action: DsnAction;
  readonly endings: readonly Ending[];
  readonly now: number;
  /** Epoch ms: when the relay gives up on those that are delayed. */
  readonly retryUntil: number;
}

/** Characters of a remote server's words in Diagnostic-Code; folded, they make no line too long. */
const DIAGNOSTIC_CHARACTERS = 500;

/** RFC 5322 2.1.1. */
const LINE_CHARACTERS = 998;

/** Lines without line ends, all ASCII, none so long that it has to be encoded: the part is 7bit (RFC 3464 2.1). */
export function statusLines(report: StatusReport): string[] {
  const { serviceName, receivedAt, dsnRequest, endings } = report;
  const lines = [
    // RFC 3461 6.3 (a): there if and only if the client gave ENVID, and decoded.
    ...(dsnRequest?.envid ? [`Original-Envelope-Id: ${ascii(decodeXtext(dsnRequest.envid) ?? "")}`] : []),
    `Reporting-MTA: dns; ${ascii(serviceName)}`,
    `Arrival-Date: ${mailDate(receivedAt)}`,
    ...endings.flatMap((ending) => ["", ...recipientFields(ending, report)]),
  ];
  return lines.map((line) => line.slice(0, LINE_CHARACTERS));
}

function recipientFields(ending: Ending, { dsnRequest, action, now, retryUntil }: StatusReport): string[] {
  const { recipient, forwardPath, status, host, verdict } = ending;
  const orcpt = dsnRequest?.recipients[recipient]?.orcpt;
  const fields = [
    ...(orcpt ? [`Original-Recipient: ${originalRecipient(orcpt)}`] : []), // RFC 3461 6.3 (d), as (a)
    `Final-Recipient: ${typedAddress(forwardPath)}`,
    `Action: ${action}`,
    // RFC 3463 3.5: X.4.7 delivery time expired; whatever the last attempt said stands in Diagnostic-Code.
    `Status: ${status === "expired" ? "4.4.7" : verdict.status}`,
  ];
  if (host !== null) fields.push(`Remote-MTA: dns; ${ascii(host)}`);
  if (verdict.fromRemote) fields.push(`Diagnostic-Code: smtp; ${ascii(verdict.reply).slice(0, DIAGNOSTIC_CHARACTERS)}`);
  // RFC 3464 2.3.7
  if (!verdict.byOperator) fields.push(`Last-Attempt-Date: ${mailDate(now)}`);
  if (action === "delayed") fields.push(`Will-Retry-Until: ${mailDate(retryUntil)}`);
  return fields;
}

/** RFC 6533 3: an address beyond ASCII, in its 7-bit form. */
function typedAddress(address: string): string {
  return /[^ -~]/.test(address) ? `utf-8; ${encodeUtf8Address(address)}` : `rfc822; ${address}`;
}

/** ORCPT as a field's value: without the xtext, of which the type utf-8 has none. */
function originalRecipient(orcpt: string): string {
  const semicolon = orcpt.indexOf(";");
  const type = orcpt.slice(0, semicolon), address = orcpt.slice(semicolon + 1);
  const decoded = type.toLowerCase() === "utf-8" ? asUtf8AddressXtext(address) : decodeXtext(address) ?? "";
  return `${ascii(type)}; ${ascii(decoded)}`;
}

function ascii(text: string): string {
  return text.replace(/[^ -~]/gu, "?");
}
