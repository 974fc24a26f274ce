/**
 * Puts the dots into the content of an outgoing message that make it transparent (RFC 5321 4.5.2).
 *
 * Guarantees: whatever the content and wherever its chunks are split, nothing in the output but `end()` reads as
 * CRLF.CRLF. It relies on the content having no bare CR or LF, which the edge refuses.
 */
import { nextDot } from "./octet_search.ts";

const LF = 10, DOT = 46;
const CRLF_DOT_CRLF = Uint8Array.of(13, 10, 46, 13, 10);
const DOT_CRLF = CRLF_DOT_CRLF.subarray(2);

export class DotStuffing {
  #atLineStart = true;

  /** The octets to send for `chunk`: the chunk itself, not a copy, where no line of it starts with a dot. */
  push(chunk: Uint8Array): Uint8Array {
    if (chunk.length === 0) return chunk;
    const dots = this.#lineStartsWithDot(chunk);
    this.#atLineStart = chunk[chunk.length - 1] === LF;
    if (dots.length === 0) return chunk;
    const stuffed = new Uint8Array(chunk.length + dots.length);
    let from = 0, to = 0;
    for (const dot of dots) {
      stuffed.set(chunk.subarray(from, dot), to);
      to += dot - from;
      stuffed[to++] = DOT;
      from = dot;
    }
    stuffed.set(chunk.subarray(from), to);
    return stuffed;
  }

  /** The end mark; it completes the last line first where the content did not. */
  end(): Uint8Array {
    return this.#atLineStart ? DOT_CRLF : CRLF_DOT_CRLF;
  }

  #lineStartsWithDot(chunk: Uint8Array): number[] {
    const dots: number[] = [];
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    // Line ends are more frequent than dots.
    for (let at = nextDot(chunk, view, 0); at < chunk.length; at = nextDot(chunk, view, at + 1)) {
      if (at === 0 ? this.#atLineStart : chunk[at - 1] === LF) dots.push(at);
    }
    return dots;
  }
}
