/**
 * Replies that were not written yet. They leave together, in one write, when the client's next words are awaited, so
 * that a pipelined group is answered at once (RFC 2920 3.2).
 *
 * Guarantees: octets leave in the order in which they were added, also when a flush begins while another one waits for
 * the peer to read.
 */
import { concatenate } from "./concatenate.ts";

export interface Writer {
  /** Writes some of the octets; returns how many. */
  write(octets: Uint8Array): Promise<number>;
}

export class OutputBuffer {
  #octets: Uint8Array[] = [];
  /** Of the last write that was begun. */
  #written: Promise<void> = Promise.resolve();
  /** Writes that were begun and have not ended well. */
  #pending = 0;

  add(octets: Uint8Array): void {
    this.#octets.push(octets);
  }

  /** Resolves when all that was added is written; rejects as the writer does, and then for ever. */
  flush(writer: Writer): Promise<void> {
    if (this.#octets.length > 0) {
      const octets = concatenate(this.#octets);
      this.#octets = [];
      this.#written = this.#pending++ === 0
        ? this.#write(writer, octets)
        : this.#written.then(() => this.#write(writer, octets));
    }
    return this.#written;
  }

  async #write(writer: Writer, octets: Uint8Array): Promise<void> {
    let written = await writer.write(octets);
    while (written < octets.length) written += await writer.write(octets.subarray(written));
    this.#pending--;
  }
}
