/** The leases that a node has, by account. Pure: time is a parameter, in ms of a monotonic clock. */
import type { NodeLeases, Trim } from "../../api/client.ts";
import type { Lease } from "./lease.ts";

/** So long without use, and a lease goes back: others may need it. */
const IDLE_MS = 5000;

export class LeaseBook {
  readonly #leases = new Map<string, Lease[]>();

  add(lease: Lease): void {
    const { username } = lease.grant;
    this.#leases.set(username, [...this.of(username), lease]);
  }

  of(username: string): readonly Lease[] {
    return this.#leases.get(username) ?? [];
  }

  /** Relays that may be spent for the account. */
  room(username: string): number {
    return this.of(username).reduce((sum, lease) => sum + lease.room, 0);
  }

  get figures(): NodeLeases {
    const all = [...this.#leases.values()].flat();
    const relaysLeft = all.reduce((sum, { room }) => sum + room, 0);
    return { held: all.length, accounts: this.#leases.size, relaysLeft };
  }

  get usernames(): string[] {
    return [...this.#leases.keys()];
  }

  /** Spends of one of the account's leases for which `isGood`. @returns it, or undefined where none has the room. */
  spend(username: string, relays: number, now: number, isGood: (lease: Lease) => boolean): Lease | undefined {
    const lease = this.of(username).find((lease) => isGood(lease) && lease.spend(relays, now));
    // One that is used up is of no use to anybody.
    if (lease?.room === 0) this.#end(username, (other) => other === lease);
    return lease;
  }

  /** Ends all of an account's leases. @returns what the counters must hear. */
  endOf(username: string): Trim[] {
    return this.#end(username, () => true);
  }

  /** Ends those that were not used for a while. @returns what the counters must hear. */
  endIdle(now: number): Trim[] {
    return this.#endWhere((lease) => now - lease.spentAt >= IDLE_MS);
  }

  /** Ends those that are not good any more. @returns what the counters must hear. */
  endSpoilt(isGood: (lease: Lease) => boolean): Trim[] {
    return this.#endWhere((lease) => !isGood(lease));
  }

  #endWhere(isOver: (lease: Lease) => boolean): Trim[] {
    return this.usernames.flatMap((username) => this.#end(username, isOver));
  }

  #end(username: string, isOver: (lease: Lease) => boolean): Trim[] {
    const { ended = [], kept = [] } = Object.groupBy(
      this.of(username),
      (lease) => isOver(lease) ? "ended" : "kept",
    );
    if (kept.length > 0) this.#leases.set(username, kept);
    else this.#leases.delete(username);
    return ended.flatMap((lease) => lease.end() ?? []);
  }
}
