/**
 * What an SMTP reply is and the one place that knows how it looks on the wire (RFC 5321 4.2, RFC 2034).
 *
 * A reply's text never contains CR or LF: the encoder refuses it, so no reply can be split by what it quotes.
 */
import { clip } from "./clip.ts";

export interface Reply {
  /** Three digits (RFC 5321 4.2.1). */
  readonly code: number;
  /** RFC 3463 status code, or null where none belongs: 220, 334, 354 and the 250 to EHLO and HELO (RFC 2034 4). */
  readonly enhanced: string | null;
  /** One text for each line of the reply, without line ends; at least one. */
  readonly lines: readonly string[];
}

/** RFC 5321 4.5.3.1.5: a reply line has at most 512 octets, CRLF included; code, separator and status code take 15. */
const MAX_TEXT_OCTETS = 495;

const CONTROL_CHARACTER = /\p{Cc}/u;
const encoder = new TextEncoder();
const encoded = new WeakMap<Reply, Uint8Array>();

/** Makes a frozen reply. @throws {TypeError} if a line has a control character. */
export function reply(code: number, enhanced: string | null, ...lines: string[]): Reply {
  for (const line of lines) {
    if (CONTROL_CHARACTER.test(line)) throw new TypeError(`control character in the text of reply ${code}`);
  }
  return Object.freeze({ code, enhanced, lines: Object.freeze(lines.map((line) => clip(line, MAX_TEXT_OCTETS))) });
}

/** The reply as octets. A reply of the catalogue is encoded once. */
export function encodeReply(reply: Reply): Uint8Array {
  let octets = encoded.get(reply);
  if (octets === undefined) {
    octets = encoder.encode(formatReply(reply));
    encoded.set(reply, octets);
  }
  return octets;
}

/** The reply as text with CRLF line ends; every line of a multi-line reply but the last has "-" behind its code. */
export function formatReply({ code, enhanced, lines }: Reply): string {
  const last = lines.length - 1;
  const status = enhanced === null ? "" : `${enhanced} `;
  return lines.map((text, at) => `${code}${at === last ? " " : "-"}${status}${text}\r\n`).join("");
}
