/** Whether a message needs SMTPUTF8 at the next hop, and not only was handed to us with it (RFC 6531 3.4). */
import type { Envelope } from "../envelope.ts";
import type { Content } from "../spool/types.ts";
import { readHeaderSection } from "./header_section.ts";

/** Octets of the header that are looked at. */
const HEADER_OCTETS = 256 * 1024;

const BEYOND_ASCII = /[^\0-\x7f]/;

/** Whether it can only be named in a transaction with SMTPUTF8. */
export function isInternational(address: string): boolean {
  return BEYOND_ASCII.test(address);
}

/**
 * Whether the message needs it whoever it goes to; beside that a recipient may. Many clients say SMTPUTF8 for each
 * message: without need it must not cost a recipient whose server lacks it.
 */
export function needsSmtputf8(
  { reversePath, smtputf8 }: Pick<Envelope, "reversePath" | "smtputf8">,
  content: Content,
): boolean | Promise<boolean> {
  return isInternational(reversePath) || (smtputf8 && isHeaderBeyondAscii(content));
}

async function isHeaderBeyondAscii(content: Content): Promise<boolean> {
  const header = await readHeaderSection(content, HEADER_OCTETS);
  return header.some((octet) => octet > 0x7f);
}
