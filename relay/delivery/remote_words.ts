/**
 * A remote server's words made fit for the history, the log and a DSN: one line, no controls, of bounded length.
 *
 * Pure. Nothing a server says can start a new line, move a terminal's cursor or reverse the reading direction.
 */
import type { RemoteReply } from "./reply_reader.ts";

/**
 * Octets (UTF-8) kept of one reply; enough for the longest explanations with a link in use. Octets, as it is with them
 * that the words of many recipients fill a record.
 */
export const MAX_WORDS_OCTETS = 1000;
const ELLIPSIS = "…";
const encoder = new TextEncoder();
const KEPT = new Uint8Array(MAX_WORDS_OCTETS - encoder.encode(ELLIPSIS).length);

// Controls, line and paragraph separators, and what changes the direction of the text around it.
const UNFIT = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+/gu;

/** "550 5.1.1 No such user": code and all lines of the reply. */
export function wordsOfReply(reply: RemoteReply): string {
  return cleanWords(`${reply.code} ${reply.lines.join(" ")}`);
}

/** `text` without what is unfit, clipped. */
export function cleanWords(text: string): string {
  // Clipped before the search too: 64 KiB of a hostile reply need not be searched.
  const clean = text.slice(0, 2 * MAX_WORDS_OCTETS).toWellFormed().replace(UNFIT, " ").trim();
  const { read } = encoder.encodeInto(clean, KEPT);
  return read === clean.length ? clean : `${clean.slice(0, read)}${ELLIPSIS}`;
}
