/** The trace field that the relay puts above a message (RFC 5321 4.4). Pure. */
import type { Origin } from "../envelope.ts";
import { mailDate } from "../protocol/mail_text.ts";

export interface Trace {
  readonly origin: Origin;
  /** This node's own name. */
  readonly hostname: string;
  readonly messageId: string;
  /** Named in FOR only if it is the only one: the others' addresses are nobody's business. */
  readonly recipients: readonly string[];
  /** Epoch ms. */
  readonly at: number;
  /** Whether neither the client's address nor its name is to be told. */
  readonly hideClient: boolean;
}

/** A domain or address literal that may stand in a header field as it is. */
const PLAIN_NAME = /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\]|\[IPv6:[0-9A-Fa-f:.]+\])$/;
const PRINTABLE_ASCII = /^[!-~]+$/;

/** The field with its CRLF line ends, folded. */
export function receivedField({ origin, hostname, messageId, recipients, at, hideClient }: Trace): string {
  const helo = PLAIN_NAME.test(origin.helo) ? origin.helo : "unknown";
  const from = hideClient ? "unknown" : `${helo} (${addressLiteral(origin.address)})`;
  const [only, ...others] = recipients;
  const named = only !== undefined && others.length === 0 && PRINTABLE_ASCII.test(only);
  return [
    `Received: from ${from}`,
    `\tby ${hostname} (MailHop) with ${origin.protocol} id ${messageId}`,
    ...(origin.tls ? [`\t(${origin.tls})`] : []),
    `${named ? `\tfor <${only}>` : "\t"}; ${mailDate(at)}`,
  ].join("\r\n").replace(/\r\n\t; /, ";\r\n\t") + "\r\n";
}

/** RFC 3848: E for EHLO, S for TLS, A for AUTH; RFC 6531 4.3 for SMTPUTF8. */
export function protocolType(
  facts: { readonly extended: boolean; readonly tls: boolean; readonly authenticated: boolean; readonly utf8: boolean },
): string {
  const base = facts.utf8 ? "UTF8SMTP" : facts.extended ? "ESMTP" : "SMTP";
  if (base === "SMTP") return base;
  return base + (facts.tls ? "S" : "") + (facts.authenticated ? "A" : "");
}

/** RFC 5321 4.1.3. */
export function addressLiteral(address: string): string {
  return address.includes(":") ? `[IPv6:${address}]` : `[${address}]`;
}
