/**
 * Compares this machine's clock with the control plane's, by the time in its answers.
 *
 * Midnight, activation of blocks and the retry schedule go by the clock. Beyond `MAX_SKEW_MS` the operator is told, once
 * each way; nothing else changes.
 */

/** What mail and quotas bear: leases keep further away from midnight (`leases/store_clock.ts`). */
export const MAX_SKEW_MS = 10_000;

export interface ClockWatchOptions {
  /** Epoch ms. */
  readonly now: () => number;
  /** The clocks are apart, or are right again. `aheadMs` is negative where ours is behind. */
  readonly onChange: (apart: boolean, aheadMs: number) => void;
}

export class ClockWatch {
  readonly #options: ClockWatchOptions;
  #aheadMs: number | null = null;
  #apart = false;

  constructor(options: ClockWatchOptions) {
    this.#options = options;
  }

  /** By how much our clock is ahead of theirs, as last seen, and whether that is too much; null: not heard yet. */
  get comparison(): { readonly aheadMs: number; readonly apart: boolean } | null {
    return this.#aheadMs === null ? null : { aheadMs: this.#aheadMs, apart: this.#apart };
  }

  /** To be called as soon as the answer is there. `theirs`: epoch ms; the answer was asked for `roundTripMs` ago. */
  heard(theirs: number, roundTripMs: number): void {
    // They looked at their clock somewhere on the way there and back.
    const uncertainMs = roundTripMs / 2;
    const aheadMs = Math.round(this.#options.now() - uncertainMs - theirs);
    this.#aheadMs = aheadMs;
    const distanceMs = Math.abs(aheadMs);
    const apart = this.#apart ? distanceMs + uncertainMs > MAX_SKEW_MS : distanceMs - uncertainMs > MAX_SKEW_MS;
    if (apart === this.#apart) return;
    this.#apart = apart;
    this.#options.onChange(apart, aheadMs);
  }
}

export function skewWords(aheadMs: number): string {
  return `${(Math.abs(aheadMs) / 1000).toFixed(1)} s ${aheadMs < 0 ? "behind" : "ahead of"} the control plane's`;
}
