/**
 * How fast a destination takes messages, to tell a long queue that moves from one that does not.
 *
 * Pure. A smoothed interval between messages; a standstill counts from when it is longer than that.
 */

/** Weight of the newest interval: about the last thirty messages count. */
const SMOOTHING = 1 / 30;
/** Below this a pause is no sign of anything: connecting and TLS take as long. In ms. */
const GRACE_MS = 2000;

export class Pace {
  #lastAt: number;
  #intervalMs = 0;

  /** @param now when the first message began to wait, in ms of any steady clock. */
  constructor(now: number) {
    this.#lastAt = now;
  }

  /** The destination is done with a message. */
  passed(now: number): void {
    this.#intervalMs += SMOOTHING * (now - this.#lastAt - this.#intervalMs);
    this.#lastAt = now;
  }

  /** How long the last of `waiting` messages will wait, in ms, as far as can be told. */
  waitMs(waiting: number, now: number): number {
    const standstillMs = now - this.#lastAt;
    return waiting * Math.max(this.#intervalMs, standstillMs > GRACE_MS ? standstillMs : 0);
  }
}
