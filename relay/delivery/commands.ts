/** The commands of a transaction as they go out. Pure. */
import type { DsnRequest } from "../envelope.ts";
import { asUtf8AddressXtext } from "../protocol/utf8_address.ts";
import { encodeXtext } from "../protocol/xtext.ts";
import type { Capabilities } from "./capabilities.ts";

/** What is sent to one next hop: an envelope for some of a message's recipients. */
export interface OutgoingEnvelope {
  /** Without angle brackets; "" for the null reverse path. */
  readonly reversePath: string;
  /** Without angle brackets; at least one. */
  readonly recipients: readonly string[];
  readonly body: "7BIT" | "8BITMIME";
  /** Whether addresses or header need SMTPUTF8 (RFC 6531 3.4), not merely whether the client said so. */
  readonly needsSmtputf8: boolean;
  /** What the client said about DSNs; its recipients are parallel to those here. */
  readonly dsnRequest: DsnRequest | null;
  /** Octets of the stored content. */
  readonly sizeBytes: number;
}

/**
 * MAIL with the parameters that the server knows. 8-bit content goes out as it is even where the server lacks
 * 8BITMIME (invariant 5): all but the very oldest pass it on, and a conversion would break its signatures.
 */
export function mailCommand(envelope: OutgoingEnvelope, capabilities: Capabilities): string {
  let command = `MAIL FROM:<${fit(envelope.reversePath)}>`;
  if (capabilities.size) command += ` SIZE=${envelope.sizeBytes}`; // RFC 1870 6
  if (capabilities.eightBitMime && envelope.body === "8BITMIME") command += " BODY=8BITMIME"; // RFC 6152
  if (envelope.needsSmtputf8) command += " SMTPUTF8";
  if (capabilities.dsn && envelope.dsnRequest) command += mailDsnParameters(envelope.dsnRequest);
  return `${command}\r\n`;
}

/** @param at the recipient's place in the envelope. */
export function rcptCommand(envelope: OutgoingEnvelope, at: number, capabilities: Capabilities): string {
  const parameters = capabilities.dsn ? rcptDsnParameters(envelope, at) : "";
  return `RCPT TO:<${fit(envelope.recipients[at]!)}>${parameters}\r\n`;
}

/** RFC 3461 5.2.1 (a), (b): what the client gave, with the same value, and no more. */
function mailDsnParameters({ ret, envid }: DsnRequest): string {
  return `${ret === null ? "" : ` RET=${ret}`}${envid === null ? "" : ` ENVID=${fit(envid)}`}`;
}

/** RFC 3461 5.2.1 (c), (d). */
function rcptDsnParameters({ dsnRequest, recipients, needsSmtputf8 }: OutgoingEnvelope, at: number): string {
  const request = dsnRequest?.recipients[at];
  if (!request) return "";
  const { notify, orcpt } = request;
  let parameters = "";
  if (notify !== null) parameters += ` NOTIFY=${notify.length === 0 ? "NEVER" : notify.join(",")}`;
  // RFC 6533 3: UTF-8 as it is goes with SMTPUTF8 only.
  if (orcpt !== null) parameters += ` ORCPT=${fit(needsSmtputf8 ? orcpt : asUtf8AddressXtext(orcpt))}`;
  else if (notify !== null && IN_ASCII.test(recipients[at]!)) {
    // It may be added, and lets a sender who wants to be told recognise the recipient behind an alias.
    parameters += ` ORCPT=rfc822;${encodeXtext(recipients[at]!)}`;
  }
  return parameters;
}

const IN_ASCII = /^[ -~]*$/;

const LINE_BREAKER = /[\0\r\n]/;

/** The edge's parser lets none in; should one come another way, it shall not become a command of its own. */
function fit(value: string): string {
  if (LINE_BREAKER.test(value)) throw new Error("CR, LF or NUL in an envelope");
  return value;
}
