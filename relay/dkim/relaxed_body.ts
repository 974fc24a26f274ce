/**
 * The body in relaxed canonicalization (RFC 6376 3.4.4), as it comes, chunk by chunk.
 *
 * Pure. Memory does not grow with the body: blanks and empty lines that may turn out to be trailing ones are counted,
 * not kept. Only CRLF ends a line; a CR or LF of its own is a character like any other.
 */

/** Octets handed on at once. */
const OUTPUT_OCTETS = 16 * 1024;
const TAB = 9, LF = 10, CR = 13, SPACE = 32;

export class RelaxedBody {
  readonly #sink: (octets: Uint8Array) => void;
  readonly #output = new Uint8Array(OUTPUT_OCTETS);
  #used = 0;
  /** Line ends that count only if more text follows. */
  #lineEnds = 0;
  /** Whether blanks stand before the next octet, which go if it ends the line. */
  #blank = false;
  /** Whether the last octet was a CR. */
  #cr = false;
  #empty = true;

  /** @param sink takes the canonical octets at once; they change after it returns. */
  constructor(sink: (octets: Uint8Array) => void) {
    this.#sink = sink;
  }

  push(octets: Uint8Array): void {
    for (let at = 0; at < octets.length; at++) {
      const octet = octets[at]!;
      if (this.#cr) {
        this.#cr = false;
        if (octet === LF) {
          this.#blank = false;
          this.#lineEnds++;
          continue;
        }
        this.#text(CR);
      }
      if (octet === CR) this.#cr = true;
      else if (octet === SPACE || octet === TAB) this.#blank = true;
      else this.#text(octet);
    }
  }

  /** The last line ends with CRLF, whether it came so or not; a body without text is empty. */
  end(): void {
    if (this.#cr) this.#text(CR);
    if (!this.#empty) this.#putLineEnd();
    this.#flush();
  }

  #text(octet: number): void {
    for (; this.#lineEnds > 0; this.#lineEnds--) this.#putLineEnd();
    if (this.#blank) {
      this.#blank = false;
      this.#put(SPACE);
    }
    this.#put(octet);
    this.#empty = false;
  }

  #putLineEnd(): void {
    this.#put(CR);
    this.#put(LF);
  }

  #put(octet: number): void {
    if (this.#used === OUTPUT_OCTETS) this.#flush();
    this.#output[this.#used++] = octet;
  }

  #flush(): void {
    this.#sink(this.#output.subarray(0, this.#used));
    this.#used = 0;
  }
}
