/**
 * How many connections a destination is given at the same time: few at first, more as it takes mail, fewer as it
 * pushes back.
 *
 * Pure. As with TCP's congestion window (RFC 5681): each message that is served makes room for one more connection
 * until the first push-back, then it takes a window's worth of them; a 421, a time-out or a lost connection halves it.
 * It is never below one, and never beyond the limit.
 */

/** A destination that is not known yet: one more than one, so that one slow answer does not hold up all its mail. */
const INITIAL_WINDOW = 2;

export class Concurrency {
  #window: number;
  /** From here on it grows slowly. */
  #threshold = Infinity;

  constructor(private readonly limit: number) {
    this.#window = Math.min(INITIAL_WINDOW, limit);
  }

  /** Connections that may be in use. */
  get allowed(): number {
    return Math.floor(this.#window);
  }

  /** @param inUse connections in use just now: what is not used says nothing about what could be. */
  grow(inUse: number): void {
    if (inUse < this.allowed) return;
    const step = this.#window < this.#threshold ? 1 : 1 / this.#window;
    this.#window = Math.min(this.#window + step, this.limit);
  }

  shrink(): void {
    this.#threshold = Math.max(1, this.#window / 2);
    this.#window = this.#threshold;
  }

  /** Back to a single connection. */
  collapse(): void {
    this.#threshold = Math.max(1, this.#window / 2);
    this.#window = 1;
  }
}
