/**
 * Messages to a destination at even intervals.
 *
 * Pure. No burst: what was not used is not saved up, so a limit of ten a second is one in each tenth of a second.
 */
export class Rate {
  #nextAt = -Infinity;

  /** @param intervalMs between two messages; 0: no limit. */
  constructor(readonly intervalMs: number) {}

  /** How long the next message has to wait, in ms; 0: it may begin. @param now in ms of a steady clock. */
  waitMs(now: number): number {
    return Math.max(0, this.#nextAt - now);
  }

  /** A message begins. */
  take(now: number): void {
    this.#nextAt = now + this.intervalMs;
  }
}
