/** How much an account has used lately, and what lease becomes it. Pure: time is a parameter. */
import { forgetFirst } from "../forget_first.ts";

/** What was used so long ago counts half. */
const HALF_LIFE_MS = 5000;
/** Accounts that are remembered: those that used least recently are forgotten first. */
const MAX_ACCOUNTS = 10_000;
/** Relays, and messages: who uses less asks for each message. One to a hundred people is none; a server's queue is. */
const LEAST = 16, LEAST_MESSAGES = 8;
/**
 * Of what is left of the day. Nodes share it without knowing of each other: several may take their part, each of what is
 * then left, and the last relays of a day, where a lease would keep them from others, are never leased.
 */
const PART = 4;

/** Of about the last seven seconds. */
export interface Use {
  readonly relays: number;
  readonly messages: number;
}

const NO_USE: Use = { relays: 0, messages: 0 };

export class Demand {
  /** In the order of use. */
  readonly #accounts = new Map<string, Use & { readonly at: number }>();

  /** Takes note of a message. @param now ms of a monotonic clock. */
  used(username: string, relays: number, now: number): void {
    const before = this.of(username, now);
    this.#accounts.delete(username);
    this.#accounts.set(username, { relays: before.relays + relays, messages: before.messages + 1, at: now });
    forgetFirst(this.#accounts, MAX_ACCOUNTS);
  }

  of(username: string, now: number): Use {
    const known = this.#accounts.get(username);
    if (known === undefined) return NO_USE;
    const part = 0.5 ** ((now - known.at) / HALF_LIFE_MS);
    return { relays: known.relays * part, messages: known.messages * part };
  }
}

/**
 * @param demand as `Demand.of` has it.
 * @param left relays of the day that nobody has used or leased.
 * @returns relays; 0: no lease.
 */
export function leaseSize(demand: Use, left: number): number {
  const size = Math.floor(Math.min(demand.relays, left / PART));
  return size < LEAST || demand.messages < LEAST_MESSAGES ? 0 : size;
}
