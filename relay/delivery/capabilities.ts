/** What a remote server says it can do, from its reply to EHLO (RFC 5321 4.1.1.1). Pure. */
import type { RemoteReply } from "./reply_reader.ts";

export interface Capabilities {
  readonly pipelining: boolean;
  readonly size: boolean;
  readonly eightBitMime: boolean;
  readonly smtputf8: boolean;
  readonly dsn: boolean;
  readonly startTls: boolean;
  /** RFC 9422: recipients in one transaction, messages on one connection; null where not stated. */
  readonly maxRecipients: number | null;
  readonly maxMessages: number | null;
}

/** A server that only knows HELO. */
export const NO_CAPABILITIES: Capabilities = {
  pipelining: false,
  size: false,
  eightBitMime: false,
  smtputf8: false,
  dsn: false,
  startTls: false,
  maxRecipients: null,
  maxMessages: null,
};

/** Reads the positive reply to EHLO; its first line is the server's name, not a keyword. */
export function parseCapabilities(reply: RemoteReply): Capabilities {
  const keywords = new Map<string, readonly string[]>();
  for (const line of reply.lines.slice(1)) {
    const [keyword = "", ...parameters] = line.trim().toUpperCase().split(/\s+/);
    keywords.set(keyword, parameters);
  }
  const limits = keywords.get("LIMITS") ?? [];
  return {
    pipelining: keywords.has("PIPELINING"),
    size: keywords.has("SIZE"),
    eightBitMime: keywords.has("8BITMIME"),
    smtputf8: keywords.has("SMTPUTF8"),
    dsn: keywords.has("DSN"),
    startTls: keywords.has("STARTTLS"),
    maxRecipients: limit(limits, "RCPTMAX"),
    maxMessages: limit(limits, "MAILMAX"),
  };
}

/** RFC 9422 4: name=value, the value a decimal number from 1 to 999999. */
function limit(limits: readonly string[], name: string): number | null {
  const value = limits.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
  return value !== undefined && /^[1-9]\d{0,5}$/.test(value) ? Number(value) : null;
}
