/** A slice of an account's day that this node may spend on messages without asking. */
import type { Trim } from "../../api/client.ts";

/** What the counters said when they granted it. */
export interface Grant {
  readonly id: string;
  readonly username: string;
  /** UTC day, "2026-11-23". */
  readonly day: string;
  readonly relays: number;
  /** Of the account: used before it, and the limit of the day. */
  readonly used: number;
  readonly limit: number;
}

export class Lease {
  readonly grant: Grant;
  #size: number;
  #spent = 0;
  #open = true;
  #spentAt: number;

  /** @param now ms of a monotonic clock. */
  constructor(grant: Grant, now: number) {
    this.grant = grant;
    this.#size = grant.relays;
    this.#spentAt = now;
  }

  /** Relays that may still be spent. */
  get room(): number {
    return this.#open ? this.#size - this.#spent : 0;
  }

  /** Relays of the day that were used before what is spent next, as far as is known here. */
  get used(): number {
    return this.grant.used + this.#spent;
  }

  /** When something was last spent, or it was granted. */
  get spentAt(): number {
    return this.#spentAt;
  }

  /** @returns false where there is too little room. */
  spend(relays: number, now: number): boolean {
    if (relays > this.room) return false;
    this.#spent += relays;
    this.#spentAt = now;
    return true;
  }

  /** What was spent for a message that was not accepted. @returns what the counters must hear, if it has ended. */
  giveBack(relays: number): Trim | null {
    this.#spent -= relays;
    return this.#open ? null : this.#trim();
  }

  /** Nothing more is spent. @returns what the counters must hear; null: nothing is left. */
  end(): Trim | null {
    const hasRest = this.room > 0;
    this.#open = false;
    return hasRest ? this.#trim() : null;
  }

  #trim(): Trim {
    this.#size = this.#spent;
    const { id, username, day } = this.grant;
    return { id, username, day, relays: this.#size };
  }
}
