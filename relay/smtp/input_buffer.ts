/**
 * What was read from a connection and not used yet; command lines are taken from it, or, inside DATA, octets.
 *
 * Lines end with CRLF and nothing else (RFC 5321 2.3.8). Memory is bounded by the longest line that is allowed, plus
 * what came behind the end of a message in the same read.
 */
import { BufferPool } from "../buffer_pool.ts";
import { replies } from "../protocol/replies.ts";
import type { Reply } from "../protocol/reply.ts";

/**
 * The longest line, CRLF included. RFC 4954 4 asks for 12,288 octets of base64 in AUTH, more than any command with its
 * parameters takes.
 */
const MAX_LINE_OCTETS = 12_288 + 2;
/** Enough for a pipelined group of commands, little enough for ten thousand idle connections. */
const FIRST_BUFFER_OCTETS = 1024;

/** Of connections that have ended, for the next ones: 256 KiB in all. */
const firstBuffers = new BufferPool(FIRST_BUFFER_OCTETS, 256);

const CR = 13, LF = 10, SPACE = 32, TILDE = 126;
const CONTROL_CHARACTER = /\p{Cc}/u;
/** So many characters are made a text as the arguments of one call. */
const MAX_SHORT_OCTETS = 512;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export type Line = { readonly text: string } | { readonly bad: Reply; readonly fatal: boolean };

export class InputBuffer {
  #octets = firstBuffers.take();
  #start = 0;
  #end = 0;

  get isEmpty(): boolean {
    return this.#start === this.#end;
  }

  /** Where the next read may put octets; `filled` says how many it put. */
  room(): Uint8Array {
    if (this.isEmpty) this.#start = this.#end = 0;
    if (this.#end === this.#octets.length) {
      const kept = this.#octets.subarray(this.#start, this.#end);
      const target = this.#start === 0 ? new Uint8Array(2 * this.#octets.length) : this.#octets;
      target.set(kept);
      this.#octets = target;
      this.#start = 0;
      this.#end = kept.length;
    }
    return this.#octets.subarray(this.#end);
  }

  filled(octets: number): void {
    this.#end += octets;
  }

  /** The next line without its CRLF, or undefined if it has not come wholly. A `fatal` one ends the session. */
  line(): Line | undefined {
    const unread = this.#octets.subarray(this.#start, this.#end);
    const lf = unread.indexOf(LF);
    if (lf < 0 && unread.length < MAX_LINE_OCTETS) return undefined;
    if (lf < 0 || lf >= MAX_LINE_OCTETS) return { bad: replies.lineTooLong, fatal: true };
    this.#start += lf + 1;
    const octets = unread.subarray(0, lf - 1);
    if (lf === 0 || unread[lf - 1] !== CR || octets.includes(CR)) return { bad: replies.malformedLine, fatal: false };
    return decode(octets);
  }

  /** All that is left, taken out; valid until the next `room`. */
  takeRest(): Uint8Array {
    const rest = this.#octets.subarray(this.#start, this.#end);
    this.#start = this.#end = 0;
    return rest;
  }

  /** No more is read into it, or taken out of it. */
  release(): void {
    if (this.#octets.length === FIRST_BUFFER_OCTETS) firstBuffers.give(this.#octets);
  }

  /** Puts octets back that were read but belong to what follows. */
  putBack(octets: Uint8Array): void {
    if (octets.length > this.#octets.length) this.#octets = new Uint8Array(octets.length);
    this.#octets.set(octets);
    this.#start = 0;
    this.#end = octets.length;
  }
}

function decode(octets: Uint8Array): Line {
  return asciiText(octets) ?? utf8Text(octets);
}

/** Nearly every line is short and printable ASCII; the decoder, and a search of its text, take three times as long. */
function asciiText(octets: Uint8Array): Line | undefined {
  if (octets.length > MAX_SHORT_OCTETS) return undefined;
  for (let at = 0; at < octets.length; at++) if (octets[at]! < SPACE || octets[at]! > TILDE) return undefined;
  return { text: Reflect.apply(String.fromCharCode, null, octets) };
}

function utf8Text(octets: Uint8Array): Line {
  try {
    const text = decoder.decode(octets);
    return CONTROL_CHARACTER.test(text) ? { bad: replies.notUtf8, fatal: false } : { text };
  } catch (error) {
    if (error instanceof TypeError) return { bad: replies.notUtf8, fatal: false };
    throw error;
  }
}
