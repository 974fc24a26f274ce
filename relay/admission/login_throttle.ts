/**
 * Slows down guessing of passwords: failed logins are counted for an account and for an address prefix. Pure but for
 * its memory, which is bounded; time is a parameter (ms of a monotonic clock).
 *
 * An account's owner who comes from a prefix where he logged in before is not locked out by a stranger's guessing.
 */

/** Failures are forgotten so long after the first of them. */
const WINDOW_MS = 10 * 60_000;
/** Accounts and prefixes that are counted; the oldest are forgotten first. */
const MAX_ENTRIES = 100_000;

interface Failures {
  readonly since: number;
  count: number;
}

export class LoginThrottle {
  readonly #maxFailures: number;
  readonly #failures = new Map<string, Failures>();
  readonly #knownPlaces = new Set<string>();

  constructor(maxFailures: number) {
    this.#maxFailures = maxFailures;
  }

  /** How many ms this login has to wait, 0 if it may be tried now. */
  waitMs(username: string, address: string, now: number): number {
    const prefix = addressPrefix(address);
    const byPrefix = this.#waitFor(`prefix ${prefix}`, now);
    if (this.#knownPlaces.has(place(username, prefix))) return byPrefix;
    return Math.max(byPrefix, this.#waitFor(`account ${username}`, now));
  }

  failed(username: string, address: string, now: number): void {
    this.#count(`prefix ${addressPrefix(address)}`, now);
    this.#count(`account ${username}`, now);
  }

  /** @returns whether the account had not logged in from there before, as far as is remembered. */
  succeeded(username: string, address: string): boolean {
    const known = place(username, addressPrefix(address));
    const isNew = !this.#knownPlaces.delete(known);
    this.#knownPlaces.add(known);
    forgetOldest(this.#knownPlaces);
    return isNew;
  }

  #waitFor(key: string, now: number): number {
    const failures = this.#failures.get(key);
    if (failures === undefined || failures.count < this.#maxFailures) return 0;
    return Math.max(0, failures.since + WINDOW_MS - now);
  }

  #count(key: string, now: number): void {
    const failures = this.#failures.get(key);
    if (failures !== undefined && now - failures.since < WINDOW_MS) {
      failures.count++;
      return;
    }
    this.#failures.delete(key);
    this.#failures.set(key, { since: now, count: 1 });
    forgetOldest(this.#failures);
  }
}

/** What one customer or one attacker usually has: an IPv4 address, an IPv6 /64 (RFC 6177). */
export function addressPrefix(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head.split(":").filter((group) => group !== "");
  if (tail !== undefined) { while (groups.length < 4) groups.push("0"); }
  return groups.slice(0, 4).join(":");
}

function place(username: string, prefix: string): string {
  return `${username} ${prefix}`;
}

function forgetOldest(
  entries: { readonly size: number; keys(): Iterable<string>; delete(key: string): unknown },
): void {
  for (const oldest of entries.keys()) {
    if (entries.size <= MAX_ENTRIES) break;
    entries.delete(oldest);
  }
}
