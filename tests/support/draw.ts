/** Draws that are the same for the same seed. */
export class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** From 0 up to 1, without it. */
  share(): number {
    // Mulberry32: 32 bits of state, uniform enough to draw facts with.
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  }

  /** From 0 up to `limit`, without it. */
  below(limit: number): number {
    return Math.floor(this.share() * limit);
  }

  of<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)]!;
  }

  rarely(): boolean {
    return this.below(20) === 0;
  }
}
