/** The commands of a transaction as they go out. Pure. */
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
  return `${command}\r\n`;
}

export function rcptCommand(recipient: string): string {
  return `RCPT TO:<${fit(recipient)}>\r\n`;
}

const LINE_BREAKER = /[\0\r\n]/;

/** The edge's parser lets no such path in; should one come another way, it shall not become a command of its own. */
function fit(path: string): string {
  if (LINE_BREAKER.test(path)) throw new Error("a path with CR, LF or NUL in an envelope");
  return path;
}
