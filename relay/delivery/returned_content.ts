/**
 * What a DSN gives back of the original: its header, or, where the sender asked for it with RET=FULL and it is small,
 * all of it (RFC 3461 6.2).
 */
import type { Content, QueuedMessage } from "../spool/types.ts";
import type { DsnAction } from "./dsn_duty.ts";
import { readHeaderSection } from "./header_section.ts";

export interface ReturnedContent {
  readonly kind: "header" | "message";
  /** Lines that end in CRLF; of a header without the empty line behind it. Empty where it could not be read. */
  readonly octets: Uint8Array;
}

const NOTHING_RETURNED: ReturnedContent = { kind: "header", octets: new Uint8Array(0) };

/** Octets of the original's header that a DSN carries. */
const MAX_HEADER_OCTETS = 32 * 1024;
/**
 * Octets of the largest original that is given back whole. A DSN is made and queued in memory, so this, times the
 * messages in hand, is what a burst of failures can take.
 */
const MAX_MESSAGE_OCTETS = 64 * 1024;
/** RFC 5322 2.1.1, RFC 2045 2.8: what longer lines have is binary and cannot be a part of a message. */
const MAX_LINE_OCTETS = 998;
const NUL = 0, LF = 10;

/** For a message's DSN; where the original cannot be read, `onTrouble` hears of it, and nothing is given back. */
export async function returnedFor(
  { envelope, content }: QueuedMessage,
  action: DsnAction,
  onTrouble: (error: unknown) => void,
): Promise<ReturnedContent> {
  // RFC 3461 4.3: RET is about failures.
  const full = action === "failed" && envelope.dsnRequest?.ret === "FULL";
  try {
    return await readReturned(await content(), full);
  } catch (error) {
    onTrouble(error); // the sender learns of it all the same
    return NOTHING_RETURNED;
  }
}

async function readReturned(content: Content, full: boolean): Promise<ReturnedContent> {
  if (full && content.sizeBytes <= MAX_MESSAGE_OCTETS) {
    const octets = await readWhole(content);
    if (isText(octets)) return { kind: "message", octets };
  }
  return { kind: "header", octets: await readHeaderSection(content, MAX_HEADER_OCTETS) };
}

async function readWhole(content: Content): Promise<Uint8Array> {
  const octets = new Uint8Array(content.sizeBytes);
  let read = 0;
  for await (const chunk of content.chunks()) {
    octets.set(chunk, read);
    read += chunk.length;
  }
  return octets;
}

/** Whether it may stand in a message as it is (RFC 2045 2.7 and 2.8). */
function isText(octets: Uint8Array): boolean {
  if (octets.includes(NUL)) return false;
  for (let start = 0; start < octets.length;) {
    const lf = octets.indexOf(LF, start);
    const end = lf < 0 ? octets.length : lf + 1;
    // With its CRLF.
    if (end - start > MAX_LINE_OCTETS + 2) return false;
    start = end;
  }
  return true;
}
