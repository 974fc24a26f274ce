/**
 * The counters' clock, as this node knows it from their answers. It goes on by the monotonic clock, so a step of this
 * machine's clock does not move it.
 */

/**
 * So near to midnight no lease is spent: the counters' clock is known but to the round trip of a call (10 s at most), and
 * drifts against ours by some seconds in a day in which they cannot be asked.
 */
export const MIDNIGHT_SKEW_MS = 15_000;

const DAY_MS = 86_400_000;
const dayNumber = (at: number): number => Math.floor(at / DAY_MS);
const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

export class StoreClock {
  #known: { readonly shown: number; readonly at: number } | undefined;

  /** @param shown what it showed, epoch ms. @param at when the answer came, ms of a monotonic clock. */
  learn(shown: number, at: number): void {
    this.#known = { shown, at };
  }

  /** Epoch ms; undefined: it was never heard of. */
  now(at: number): number | undefined {
    return this.#known && Math.floor(this.#known.shown + at - this.#known.at);
  }

  /** The day that it certainly is, "2026-11-23"; undefined around midnight, and where it was never heard of. */
  day(at: number): string | undefined {
    const now = this.now(at);
    if (now === undefined) return undefined;
    return dayNumber(now - MIDNIGHT_SKEW_MS) === dayNumber(now + MIDNIGHT_SKEW_MS) ? dayOf(now) : undefined;
  }
}
