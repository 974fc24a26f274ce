/**
 * Reads the data of a message as it comes from the wire: finds its end and takes the stuffed dots out
 * (RFC 5321 4.5.2).
 *
 * Guarantees: only CRLF.CRLF ends the data (or .CRLF at its very start), wherever the chunks are split; a CR without
 * LF or an LF without CR is noticed, and what comes behind it can no longer end a line that a next hop might see
 * differently (SMTP smuggling). It keeps no content: slices of the input are handed on as they are.
 */
import { nextLineEnd } from "./octet_search.ts";

const CR = 13, LF = 10, DOT = 46;

/** Where the octet before the next one left us. */
enum At {
  /** At the start of a line. */
  LineStart,
  /** Inside a line. */
  Line,
  /** Behind a CR inside a line. */
  Cr,
  /** Behind a dot at the start of a line. */
  Dot,
  /** Behind that dot and a CR. */
  DotCr,
}

export class DotUnstuffing {
  /** A CR or LF stood alone: the message must not be passed on. */
  bareLineEnding = false;
  /** Octets of the content so far, without stuffed dots and without the end mark. */
  sizeBytes = 0;
  #at = At.LineStart;

  /**
   * Takes the next octets of the wire.
   *
   * @param sink gets slices of `chunk` (and constants) that belong to the content, in order.
   * @returns how many octets of `chunk` belong to the data when it ended in this chunk, else -1.
   */
  push(chunk: Uint8Array, sink: (slice: Uint8Array) => void): number {
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    let from = 0; // start of content not yet handed on
    let at = 0;
    const emit = (to: number) => {
      if (to > from) this.#emit(chunk.subarray(from, to), sink);
    };
    while (at < chunk.length) {
      const octet = chunk[at]!;
      switch (this.#at) {
        case At.LineStart:
          if (octet === DOT) {
            emit(at);
            from = ++at;
            this.#at = At.Dot;
            continue;
          }
          this.#at = At.Line;
          continue;
        case At.Line:
          at = this.#lines(chunk, view, at);
          continue;
        case At.Cr:
          if (octet === LF) {
            at++;
            this.#at = At.LineStart;
          } else {
            this.bareLineEnding = true;
            this.#at = At.Line;
          }
          continue;
        case At.Dot:
          if (octet === CR) {
            at++;
            this.#at = At.DotCr;
          } else {
            this.#at = At.Line;
          }
          continue;
        case At.DotCr:
          if (octet === LF) return at + 1;
          // ".\r" that did not end the data: a bare CR. The CR is content again, though this message goes nowhere.
          this.bareLineEnding = true;
          if (from === at) this.#emit(LONE_CR, sink);
          this.#at = At.Line;
          continue;
      }
    }
    // A CR behind a lone dot is held back: it may be the end mark's.
    emit(this.#at === At.DotCr && from < at ? at - 1 : at);
    return -1;
  }

  /** Goes on inside a line from `at`, and through the lines behind it that begin with no dot; returns where it ended. */
  #lines(chunk: Uint8Array, view: DataView, at: number): number {
    let end = nextLineEnd(chunk, view, at);
    while (chunk[end] === CR && chunk[end + 1] === LF && end + 2 < chunk.length && chunk[end + 2] !== DOT) {
      end = nextLineEnd(chunk, view, end + 2);
    }
    if (end === chunk.length) return end;
    if (chunk[end] === CR) this.#at = At.Cr;
    // An LF without CR does not start a line: a dot behind it is content.
    else this.bareLineEnding = true;
    return end + 1;
  }

  #emit(slice: Uint8Array, sink: (slice: Uint8Array) => void): void {
    this.sizeBytes += slice.length;
    sink(slice);
  }
}

const LONE_CR = Uint8Array.of(CR);
