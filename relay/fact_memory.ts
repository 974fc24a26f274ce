/**
 * What was asked of somebody who may be away later: each fact is fresh for a short while, and remembered for longer, to
 * stand in for an answer that cannot be had. Bounded in number; those that were learned first go first.
 */
import { forgetFirst } from "./forget_first.ts";
export interface FactAges {
  /** So long a fact is as good as asked just now, in ms. */
  readonly freshMs: number;
  /** So long it is remembered, in ms. */
  readonly rememberedMs: number;
  readonly maxEntries: number;
}

export class FactMemory<T> {
  readonly #facts = new Map<string, { readonly value: T; readonly learnedAt: number }>();
  readonly #ages: FactAges;
  /** Milliseconds of a monotonic clock. */
  readonly #monotonic: () => number;

  constructor(ages: FactAges, monotonic: () => number) {
    this.#ages = ages;
    this.#monotonic = monotonic;
  }

  fresh(key: string): T | undefined {
    return this.#within(key, this.#ages.freshMs);
  }

  /** Use does not make it younger. */
  remembered(key: string): T | undefined {
    return this.#within(key, this.#ages.rememberedMs);
  }

  /** @param learnedAt when it was known to be so, ms of the same clock. */
  learn(key: string, value: T, learnedAt = this.#monotonic()): void {
    this.#facts.delete(key);
    this.#facts.set(key, { value, learnedAt });
    forgetFirst(this.#facts, this.#ages.maxEntries);
  }

  forget(key: string): void {
    this.#facts.delete(key);
  }

  #within(key: string, ageMs: number): T | undefined {
    const fact = this.#facts.get(key);
    if (fact === undefined) return undefined;
    const factAgeMs = this.#monotonic() - fact.learnedAt;
    if (factAgeMs >= this.#ages.rememberedMs) this.#facts.delete(key);
    return factAgeMs >= ageMs ? undefined : fact.value;
  }
}
