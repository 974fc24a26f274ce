/**
 * Remembers failed logins, of a username and from an address prefix, and the places where an account has logged in: the
 * facts on which the policy slows down guessing. Pure but for its memory, which is bounded; time is a parameter (ms of a
 * monotonic clock).
 */
import type { FailedLogins, LoginFacts } from "../../policy/mod.ts";
import { addressPrefix } from "../protocol/address_prefix.ts";
import { forgetFirst } from "../forget_first.ts";

/** Stands for usernames that no account can have: their failures count for the prefix alone. */
export const NO_ACCOUNT = "";

/** Usernames and prefixes that are counted; the oldest are forgotten first. */
const MAX_ENTRIES = 100_000;
const NONE: FailedLogins = { count: 0, ageMs: 0 };

interface Failures {
  readonly since: number;
  count: number;
}

export class LoginThrottle {
  readonly #failures = new Map<string, Failures>();
  readonly #knownPlaces = new Set<string>();

  facts(username: string, address: string, now: number): Omit<LoginFacts, "credentials"> {
    const prefix = addressPrefix(address);
    return {
      ofAccount: this.#failedLogins(`account ${username}`, now),
      fromPrefix: this.#failedLogins(`prefix ${prefix}`, now),
      knownPlace: this.#knownPlaces.has(place(username, prefix)),
    };
  }

  /**
   * @param username kept as it is, so its length is the caller's to bound; or NO_ACCOUNT.
   * @param windowMs the policy's parameter: failures are forgotten so long after the first of them.
   */
  failed(username: string, address: string, windowMs: number, now: number): void {
    this.#count(`prefix ${addressPrefix(address)}`, windowMs, now);
    if (username !== NO_ACCOUNT) this.#count(`account ${username}`, windowMs, now);
  }

  /** @returns whether the account had not logged in from there before, as far as is remembered. */
  succeeded(username: string, address: string): boolean {
    const known = place(username, addressPrefix(address));
    const isNew = !this.#knownPlaces.delete(known);
    this.#knownPlaces.add(known);
    forgetFirst(this.#knownPlaces, MAX_ENTRIES);
    return isNew;
  }

  #failedLogins(key: string, now: number): FailedLogins {
    const failures = this.#failures.get(key);
    if (failures === undefined) return NONE;
    return { count: failures.count, ageMs: Math.floor(now - failures.since) };
  }

  #count(key: string, windowMs: number, now: number): void {
    const failures = this.#failures.get(key);
    if (failures !== undefined && now - failures.since < windowMs) {
      failures.count++;
      return;
    }
    this.#failures.delete(key);
    this.#failures.set(key, { since: now, count: 1 });
    forgetFirst(this.#failures, MAX_ENTRIES);
  }
}

function place(username: string, prefix: string): string {
  return `${username} ${prefix}`;
}
