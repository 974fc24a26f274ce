/**
 * Reads a message once, in order: its header section, kept within a bound, then, if it is wanted, its body, of which
 * only the hash is kept.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Content } from "../spool/types.ts";
import { RelaxedBody } from "./relaxed_body.ts";

/** Longer header sections are none that a mail program writes; what would sign them has to keep them. */
export const MAX_HEADER_OCTETS = 128 * 1024;

const CR = 13, LF = 10;
const EMPTY_LINE_OCTETS = 2;
/** Of the last field's CRLF and the empty line. */
const END_MARK_OCTETS = 4;
const NOTHING = new Uint8Array(0);

/** Its parts are asked for in their order, each once. */
export class MessageReading {
  readonly #content: Content;
  /** Of content that is not in memory. */
  #chunks: AsyncIterator<Uint8Array> | undefined;
  /** Of the body, what came with the end of the header. */
  #rest: Uint8Array = NOTHING;

  constructor(content: Content) {
    this.#content = content;
  }

  /** The header's fields, without the empty line behind them; null where it is longer than is kept. */
  header(): Uint8Array | null | Promise<Uint8Array | null> {
    const { octets } = this.#content;
    return octets === undefined ? this.#readHeader() : this.#cut(octets, emptyLine(octets, 0) ?? octets.length);
  }

  async #readHeader(): Promise<Uint8Array | null> {
    this.#chunks = this.#content.chunks()[Symbol.asyncIterator]();
    let read: Uint8Array = NOTHING;
    while (true) {
      const { done, value } = await this.#chunks.next();
      if (done) return read.length <= MAX_HEADER_OCTETS ? read : null;
      // Where the last chunk ended the end mark may have begun.
      const searched = Math.max(0, read.length - END_MARK_OCTETS + 1);
      // A copy: the header is wanted behind the next chunk.
      read = Buffer.concat([read, value]);
      const end = emptyLine(read, searched);
      if (end !== null) return this.#cut(read, end);
      if (read.length > MAX_HEADER_OCTETS) return null;
    }
  }

  /** @param end of the header. */
  #cut(read: Uint8Array, end: number): Uint8Array | null {
    this.#rest = read.subarray(end + EMPTY_LINE_OCTETS);
    return end <= MAX_HEADER_OCTETS ? read.subarray(0, end) : null;
  }

  /** SHA-256 of the relaxed body; behind `header`. */
  async bodyHash(): Promise<Uint8Array> {
    const hash = createHash("sha256");
    const body = new RelaxedBody((octets) => void hash.update(octets));
    body.push(this.#rest);
    while (this.#chunks !== undefined) {
      const { done, value } = await this.#chunks.next();
      if (done) break;
      body.push(value);
    }
    body.end();
    return hash.digest();
  }

  /** Lets go of the content, read to its end or not. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chunks?.return?.();
  }
}

/** Where the header's end, an empty line, begins; null where it does not. @param from looked for only behind here. */
function emptyLine(octets: Uint8Array, from: number): number | null {
  if (octets[0] === CR && octets[1] === LF) return 0;
  for (let lf = octets.indexOf(LF, from); lf >= 0; lf = octets.indexOf(LF, lf + 1)) {
    if (octets[lf - 1] === CR && octets[lf + 1] === CR && octets[lf + 2] === LF) return lf + 1;
  }
  return null;
}
