/** How much an account has used lately, and what lease becomes it. Pure: time is a parameter. */

/** What was used so long ago counts half. */
const HALF_LIFE_MS = 5000;
/** Accounts that are remembered: those that used least recently are forgotten first. */
const MAX_ACCOUNTS = 10_000;
/** Relays: who uses less asks for each message. Two messages to ten people are none; a server's queue is. */
const LEAST = 16;
/**
 * Of what is left of the day. Nodes share it without knowing of each other: several may take their part, each of what is
 * then left, and the last relays of a day, where a lease would keep them from others, are never leased.
 */
const PART = 4;

export class Demand {
  /** In the order of use. */
  readonly #accounts = new Map<string, { readonly relays: number; readonly at: number }>();

  /** Takes note of a use. @param now ms of a monotonic clock. */
  used(username: string, relays: number, now: number): void {
    const before = this.of(username, now);
    this.#accounts.delete(username);
    this.#accounts.set(username, { relays: before + relays, at: now });
    for (const oldest of this.#accounts.keys()) {
      if (this.#accounts.size <= MAX_ACCOUNTS) break;
      this.#accounts.delete(oldest);
    }
  }

  /** Relays of about the last seven seconds. */
  of(username: string, now: number): number {
    const known = this.#accounts.get(username);
    return known === undefined ? 0 : known.relays * 0.5 ** ((now - known.at) / HALF_LIFE_MS);
  }
}

/**
 * @param demand relays, as `Demand.of` has it.
 * @param left relays of the day that nobody has used or leased.
 * @returns relays; 0: no lease.
 */
export function leaseSize(demand: number, left: number): number {
  const size = Math.floor(Math.min(demand, left / PART));
  return size < LEAST ? 0 : size;
}
