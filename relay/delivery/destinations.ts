/** The destinations that are in use, and what is remembered of those that are not. */
import { forgetFirst } from "../forget_first.ts";
import { Destination, type DestinationDefaults } from "./destination.ts";
import { type DestinationRules, ruleFor } from "./destination_limits.ts";
import type { NextHopHost } from "./next_hop.ts";
import { Pace } from "./pace.ts";

/** Unused destinations whose failures or rates are remembered, some hundred octets each; the oldest go first. */
const MAX_REMEMBERED = 10_000;
/** Keys of others whose last attempt was served. */
const MAX_PROVEN = 10_000;
/** Suspended destinations that are told of; a key has the names of all hosts, which may be many. */
const MAX_TOLD = 100, MAX_TOLD_CHARACTERS = 300;

export class Destinations {
  readonly #byKey = new Map<string, Destination>();
  /** Those that are unused but not forgotten, the longest unused first. */
  readonly #remembered = new Set<Destination>();
  /** Keys of what is forgotten but for this, the longest unused first. */
  readonly #proven = new Set<string>();

  constructor(private readonly limits: DestinationDefaults & { readonly rules: DestinationRules }) {}

  get(key: string): Destination | undefined {
    return this.#byKey.get(key);
  }

  /** All that are known. */
  all(): IterableIterator<Destination> {
    return this.#byKey.values();
  }

  /** Those that are suspended: what they are, and why, in words of bounded length and number. */
  suspended(): { destination: string; why: string }[] {
    return [...this.#byKey.values()].filter(({ suspension }) => suspension.active).slice(0, MAX_TOLD)
      .map(({ key, suspension: { why } }) => (
        { destination: key.slice(0, MAX_TOLD_CHARACTERS), why: why.slice(0, MAX_TOLD_CHARACTERS) }
      ));
  }

  /** One that is going to be used. @param hosts those behind the key, for the operator's rules. */
  use(key: string, hosts: readonly Pick<NextHopHost, "name">[], now: number): Destination {
    let destination = this.#byKey.get(key);
    if (destination === undefined) {
      destination = new Destination(key, ruleFor(hosts, this.limits.rules), this.limits, now);
      destination.proven = this.#proven.delete(key);
      this.#byKey.set(key, destination);
    } else if (this.#remembered.delete(destination)) destination.pace = new Pace(now);
    return destination;
  }

  /** Forgets one that is unused, unless it would then be tried too soon again. */
  leave(destination: Destination, now: number): void {
    if (destination.isWorthRemembering(now)) {
      this.#remembered.add(destination);
      const [oldest] = this.#remembered;
      if (this.#remembered.size > MAX_REMEMBERED) this.#forget(oldest!);
    } else this.#forget(destination);
  }

  #forget(destination: Destination): void {
    const { key, proven } = destination;
    this.#byKey.delete(key);
    this.#remembered.delete(destination);
    if (!proven) return;
    this.#proven.add(key);
    forgetFirst(this.#proven, MAX_PROVEN);
  }
}
