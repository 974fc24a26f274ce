/**
 * Buffers in which what comes is read and gathered. They are used again, so that a message does not cost blocks of its own,
 * which have to be cleared for it and weigh on the garbage collector. One is somebody's until it is given back.
 */
export class BufferPool {
  /** Of each buffer. */
  readonly octets: number;
  readonly #maxUnused: number;
  readonly #unused: Uint8Array[] = [];

  /** @param maxUnused so many are kept. */
  constructor(octets: number, maxUnused: number) {
    this.octets = octets;
    this.#maxUnused = maxUnused;
  }

  /** What stood in it before may still stand in it. */
  take(): Uint8Array {
    return this.#unused.pop() ?? new Uint8Array(this.octets);
  }

  /** Nothing may be read into it, or out of it, any more. */
  give(buffer: Uint8Array): void {
    if (this.#unused.length < this.#maxUnused) this.#unused.push(buffer);
  }
}
