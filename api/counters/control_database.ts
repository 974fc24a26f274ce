/**
 * Counters in the control plane's own database.
 *
 * Each call is one transaction, and those of an account exclude each other, whichever process they are of: what a
 * reservation reads of the day cannot change before it adds to it.
 *
 * On SQLite reservations and refunds are not synced: one that a power loss takes is charged again by its settlement, or
 * was never worth anything. A lease is, for its node goes on spending it, and settlements are, for the node forgets them
 * once answered.
 */
import type { Kysely } from "kysely";
import { exclusively } from "../store/dialect.ts";
import { findAbandoned } from "../store/reservations.ts";
import type { Database } from "../store/schema.ts";
import { findUsed, findWanted } from "../store/usage.ts";
import { dayOf } from "../utc_day.ts";
import { type Caps, type Counters, WANTED_MS } from "./counters.ts";
import { refund, settle, trim } from "./endings.ts";
import { reserve } from "./grants.ts";

/** Open reservations that one transaction of `recover` refunds: it must not hold up the others. */
const RECOVER_BATCH = 500;

export interface ControlDatabaseCounters extends Caps {
  readonly db: Kysely<Database>;
  /** Makes what was committed before durable. */
  readonly sync: () => Promise<void>;
  readonly now: () => number;
}

/** The first of each id: a batch that repeats itself counts once too. */
const distinct = <Item extends { readonly id: string }>(items: readonly Item[]): Item[] => {
  const seen = new Map<string, Item>();
  for (const item of items) if (!seen.has(item.id)) seen.set(item.id, item);
  return [...seen.values()];
};

/** Names of the days that are read and changed. */
const days = (items: readonly { readonly username: string }[]): string[] =>
  items.map(({ username }) => `usage ${username}`);

export const createControlDatabaseCounters = (
  { db, sync, now, ...caps }: ControlDatabaseCounters,
): Counters => ({
  async reserve(holder, requests) {
    if (requests.length === 0) return [];
    // The clock is read inside, so that the days of transactions follow their order.
    const answers = await exclusively(
      db,
      days(requests),
      (transaction) => reserve(transaction, holder, requests, now(), caps),
    );
    if (requests.some(({ lease }) => lease)) await sync();
    return answers;
  },
  async settle(holder, settlements) {
    if (settlements.length === 0) return;
    await exclusively(
      db,
      days(settlements),
      (transaction) => settle(transaction, holder, distinct(settlements), now()),
    );
    await sync();
  },
  async refund(holder, refunds) {
    if (refunds.length === 0) return;
    await exclusively(
      db,
      days(refunds),
      (transaction) => refund(transaction, holder, distinct(refunds), now()),
    );
  },
  async trim(holder, trims) {
    if (trims.length === 0) return;
    await exclusively(db, days(trims), (transaction) => trim(transaction, holder, trims));
  },
  async wanted(usernames) {
    const at = now();
    return usernames.length === 0 ? [] : await findWanted(db, usernames, dayOf(at), at - WANTED_MS);
  },
  async recover(holder) {
    let total = 0;
    for (;;) {
      const abandoned = await findAbandoned(db, holder.node, holder.boot, RECOVER_BATCH);
      if (abandoned.length === 0) return total;
      // One that was settled meanwhile stays so: the refund looks again.
      total += await exclusively(
        db,
        days(abandoned),
        (transaction) => refund(transaction, holder, abandoned, now()),
      );
    }
  },
  // They are in the database.
  keepDays: () => Promise.resolve(),
  async today(usernames) {
    const at = now();
    const day = dayOf(at);
    return { day, now: at, used: usernames.length === 0 ? new Map() : await findUsed(db, usernames, day) };
  },
});
