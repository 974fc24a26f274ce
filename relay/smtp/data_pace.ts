/**
 * How fast a message has to come: a deadline for each block, and a lowest rate for the whole, so that a client that
 * sends an octet now and then does not hold a connection for ever. Pure.
 */

export interface DataTiming {
  /** The longest wait for the next block (RFC 5321 4.5.3.2.5: a client itself waits three minutes for one). */
  readonly dataTimeoutMs: number;
  /** Octets a second, over the whole message; a slow start is forgiven for `dataTimeoutMs`. */
  readonly minDataRate: number;
}

export class DataPace {
  readonly #timing: DataTiming;
  readonly #startedAt: number;
  #octets = 0;

  /** @param now ms of a monotonic clock. */
  constructor(timing: DataTiming, now: number) {
    this.#timing = timing;
    this.#startedAt = now;
  }

  received(octets: number): void {
    this.#octets += octets;
  }

  /** When the next block must have come. */
  deadline(now: number): number {
    const { dataTimeoutMs, minDataRate } = this.#timing;
    const whole = this.#startedAt + dataTimeoutMs + (this.#octets / minDataRate) * 1000;
    return Math.min(now + dataTimeoutMs, whole);
  }
}
