/**
 * The day's counters, wherever they are kept: the one place where relays are added to an account's day.
 *
 * What every implementation keeps (ARCHITECTURE.md, invariants 3 and 4): the used relays of a day never exceed the cap
 * at the time of a grant, nor those for non-delivery reports theirs; a reservation's id counts once however often a
 * call is repeated; nothing but an explicit refund takes a charge back; a refunded id is never granted; a settlement
 * charges even an id that is not known, unless it is of a day whose reservations were deleted, or one that is far ahead
 * (kept_days.ts): there neither settlement nor refund changes anything. The day and the time are those of the store's
 * clock.
 *
 * A reservation is its node's: others settle, refund and trim it in vain, and pay no message from it. A node that got
 * another name, because its spool's index was damaged, leaves those of the old one as they are: debits of their day.
 *
 * A lease is a reservation that a node spends on messages bit by bit: a message's settlement that names it takes its
 * relays from the lease, and what is beyond its new size when it is trimmed, or was not settled when it is refunded,
 * goes back to the day.
 */
import type { Used } from "../store/usage.ts";
import type { BlockFacts, NdrWish, Refund, Settlement, Trim } from "../wire.ts";

/**
 * Who asks: reservations that a node left open in an earlier boot are refunded when it says so. A boot's name sorts
 * behind those of the boots before it.
 */
export interface Holder {
  readonly node: string;
  readonly boot: string;
}

export interface Request {
  readonly id: string;
  readonly username: string;
  readonly relays: number;
  /** From which the cap is computed at the store's time; none for whoever may not relay. */
  readonly blocks: readonly BlockFacts[];
  /** For a non-delivery report: from which the cap of such is computed; null for other messages. */
  readonly ndr: NdrWish | null;
  readonly lease: boolean;
}

/** What the policy computes of an account's blocks at an instant, in relays. */
export interface Caps {
  readonly cap: (blocks: readonly BlockFacts[], now: number) => number;
  /** Of these, those that non-delivery reports may use. */
  readonly ndrCap: (blocks: readonly BlockFacts[], now: number, wish: NdrWish) => number;
}

export interface Answer {
  readonly id: string;
  readonly granted: boolean;
  readonly day: string;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Used relays of `day` without this reservation. */
  readonly used: number;
  /** Of these, leased ones that are not settled. */
  readonly leased: number;
  readonly limit: number;
  /** For a non-delivery report: the same of such; null for other messages. */
  readonly ndr: { readonly used: number; readonly limit: number } | null;
}

export interface Usage {
  readonly day: string;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Used relays of `day`; an account without an entry used none. */
  readonly used: ReadonlyMap<string, Used>;
}

/** A node with leases asks every second or so; a few seconds more, and one that was slow has not missed it. */
export const WANTED_MS = 5000;

export interface Counters {
  /** Answers in the order of the requests; each is granted or refused whole, and sees those before it. */
  reserve(holder: Holder, requests: readonly Request[]): Promise<Answer[]>;
  /** Durable when it resolves. */
  settle(holder: Holder, settlements: readonly Settlement[]): Promise<void>;
  /** A refund of an unknown id leaves a tombstone; of a settled one it does nothing. */
  refund(holder: Holder, refunds: readonly Refund[]): Promise<void>;
  /** Makes leases smaller, never larger; of one that is not known, or has ended, it does nothing. */
  trim(holder: Holder, trims: readonly Trim[]): Promise<void>;
  /** Those of `usernames` for whom there was too little within the last `WANTED_MS`, while leases held some. */
  wanted(usernames: readonly string[]): Promise<string[]>;
  /**
   * Refunds what the holder's node left open in its earlier boots; what a later one has is none of it, should this call
   * come late. @returns how many.
   */
  recover(holder: Holder): Promise<number>;
  today(usernames: readonly string[]): Promise<Usage>;
  /**
   * Has the database know what was used of the days that are not forgotten yet: by these accounts, or by all of them,
   * which is to be done every hour or so.
   */
  keepDays(usernames?: readonly string[]): Promise<void>;
}
