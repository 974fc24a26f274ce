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

/** Its parts are asked for in their order, each once. */
export class MessageReading {
  readonly #chunks: AsyncIterator<Uint8Array>;
  /** Of the body, what came with the end of the header. */
  #rest: Uint8Array = new Uint8Array(0);

  constructor(content: Content) {
    this.#chunks = content.chunks()[Symbol.asyncIterator]();
  }

  /** The header's fields, without the empty line behind them; null where it is longer than is kept. */
  async header(): Promise<Uint8Array | null> {
    let read: Buffer = Buffer.alloc(0);
    while (true) {
      const { done, value } = await this.#chunks.next();
      if (done) return read.length <= MAX_HEADER_OCTETS ? read : null;
      // Where the last chunk ended the end mark may have begun.
      const searched = Math.max(0, read.length - 3);
      const chunk = Buffer.from(value.buffer, value.byteOffset, value.length);
      // Most headers come whole with the first chunk.
      read = read.length === 0 ? chunk : Buffer.concat([read, chunk]);
      const end = read.subarray(0, 2).equals(EMPTY_LINE) ? 0 : behindField(read.indexOf(END_OF_HEADER, searched));
      if (end !== null) {
        this.#rest = read.subarray(end + EMPTY_LINE.length);
        return end <= MAX_HEADER_OCTETS ? read.subarray(0, end) : null;
      }
      if (read.length > MAX_HEADER_OCTETS) return null;
    }
  }

  /** SHA-256 of the relaxed body; behind `header`. */
  async bodyHash(): Promise<Uint8Array> {
    const hash = createHash("sha256");
    const body = new RelaxedBody((octets) => void hash.update(octets));
    body.push(this.#rest);
    for (let next = await this.#chunks.next(); !next.done; next = await this.#chunks.next()) body.push(next.value);
    body.end();
    return hash.digest();
  }

  /** Lets go of the content, read to its end or not. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chunks.return?.();
  }
}

const EMPTY_LINE = Buffer.from("\r\n");
const END_OF_HEADER = Buffer.from("\r\n\r\n");

/** Where the empty line begins, if the end mark stands `at` some place. */
function behindField(at: number): number | null {
  return at < 0 ? null : at + EMPTY_LINE.length;
}
