/**
 * Counters in the control plane's own database.
 *
 * Each call is one transaction, and those of an account exclude each other, whichever process they are of: what a
 * reservation reads of the day cannot change before it adds to it.
 *
 * On SQLite reservations and refunds are not synced: one that a power loss takes is charged again by its settlement, or
 * was never worth anything. Settlements are, for the node forgets them once answered.
 */
import type { Kysely, Transaction } from "kysely";
import { exclusively } from "../store/dialect.ts";
import type { Database, ReservationRow } from "../store/schema.ts";
import { findAbandoned, findReservations, insertReservations, setReservationState } from "../store/reservations.ts";
import { changeUsage, findUsed, type UsageChange, type Used } from "../store/usage.ts";
import { dayOf } from "../utc_day.ts";
import type { Refund, Settlement } from "../wire.ts";
import type { Answer, Caps, Counters, Holder, Request } from "./counters.ts";
import { firstOpenDay } from "./kept_days.ts";

/** Open reservations that one transaction of `recover` refunds: it must not hold up the others. */
const RECOVER_BATCH = 500;

export interface ControlDatabaseCounters extends Caps {
  readonly db: Kysely<Database>;
  /** Makes what was committed before durable. */
  readonly sync: () => Promise<void>;
  readonly now: () => number;
}

const NOTHING_USED: Used = { used: 0, ndr: 0 };

/** The first of each id: a batch that repeats itself counts once too. */
const distinct = <Item extends { readonly id: string }>(items: readonly Item[]): Item[] => {
  const seen = new Map<string, Item>();
  for (const item of items) if (!seen.has(item.id)) seen.set(item.id, item);
  return [...seen.values()];
};

/** Names of the days that are read and changed. */
const days = (items: readonly { readonly username: string }[]): string[] =>
  items.map(({ username }) => `usage ${username}`);

const ids = (items: readonly { readonly id: string }[]): string[] => items.map((item) => item.id);

const reserve = async (
  db: Transaction<Database>,
  holder: Holder,
  requests: readonly Request[],
  now: number,
  { cap, ndrCap }: Caps,
): Promise<Answer[]> => {
  const day = dayOf(now);
  const known = await findReservations(db, ids(requests));
  const used = new Map(await findUsed(db, [...new Set(requests.map((request) => request.username))], day));
  const granted: ReservationRow[] = [];
  const answers = requests.map(({ id, username, relays, blocks, ndr: wish }): Answer => {
    const before = used.get(username) ?? NOTHING_USED;
    const limit = cap(blocks, now);
    const ndr = wish === null ? null : { used: before.ndr, limit: ndrCap(blocks, now, wish) };
    const earlier = known.get(id);
    if (earlier !== undefined) {
      const counted = earlier.username === username && earlier.state !== "refunded";
      const own = counted && earlier.day === day ? earlier.relays : 0;
      return {
        ...{ id, granted: counted, day: earlier.day, now, used: before.used - own, limit },
        ndr: ndr && { ...ndr, used: ndr.used - earlier.ndr * own },
      };
    }
    const isTooMuch = before.used + relays > limit || (ndr !== null && ndr.used + relays > ndr.limit);
    if (isTooMuch) return { id, granted: false, day, now, used: before.used, limit, ndr };
    const row: ReservationRow = { id, username, day, relays, ndr: ndr === null ? 0 : 1, ...holder, state: "reserved" };
    granted.push(row);
    known.set(id, row);
    used.set(username, { used: before.used + relays, ndr: before.ndr + row.ndr * relays });
    return { id, granted: true, day, now, used: before.used, limit, ndr };
  });
  await insertReservations(db, granted);
  await changeUsage(db, granted);
  return answers;
};

const settle = async (
  db: Transaction<Database>,
  holder: Holder,
  settlements: readonly Settlement[],
  now: number,
): Promise<void> => {
  const openSince = firstOpenDay(now);
  const known = await findReservations(db, ids(settlements));
  const open = settlements.filter(({ id }) => known.has(id) && known.get(id)?.state !== "settled");
  const unknown = settlements.filter(({ id, day }) => !known.has(id) && day >= openSince);
  // The message was accepted, so a refund that came before was wrong, and an id we lost is charged to its day; unless
  // we lost it on purpose (kept_days.ts).
  const refunded = open.filter(({ id }) => known.get(id)?.state === "refunded");
  const charge = ({ username, day, relays, ndr }: Settlement): UsageChange => ({
    username,
    day,
    relays,
    ndr: ndr ? 1 : 0,
  });
  await setReservationState(db, ids(open), "settled");
  await insertReservations(
    db,
    unknown.map((settlement) => ({ id: settlement.id, ...charge(settlement), ...holder, state: "settled" })),
  );
  await changeUsage(db, [...refunded, ...unknown].map(charge));
};

const takeBack = (rows: readonly ReservationRow[]): UsageChange[] =>
  rows.map(({ username, day, relays, ndr }) => ({ username, day, relays: -relays, ndr }));

/** @returns how many were open. */
const refund = async (
  db: Transaction<Database>,
  holder: Holder,
  refunds: readonly Refund[],
  now: number,
): Promise<number> => {
  const today = dayOf(now), openSince = firstOpenDay(now);
  const known = await findReservations(db, ids(refunds));
  const open = [...known.values()].filter(({ state }) => state === "reserved");
  const tombstones = refunds.filter(({ id, day }) => !known.has(id) && (day ?? today) >= openSince);
  await setReservationState(db, ids(open), "refunded");
  await changeUsage(db, takeBack(open));
  await insertReservations(
    db,
    tombstones.map(({ id, username, day, relays }) => (
      { id, username, day: day ?? today, relays, ndr: 0, ...holder, state: "refunded" }
    )),
  );
  return open.length;
};

export const createControlDatabaseCounters = (
  { db, sync, now, ...caps }: ControlDatabaseCounters,
): Counters => ({
  async reserve(holder, requests) {
    if (requests.length === 0) return [];
    // The clock is read inside, so that the days of transactions follow their order.
    return await exclusively(
      db,
      days(requests),
      (transaction) => reserve(transaction, holder, requests, now(), caps),
    );
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
  async today(usernames) {
    const at = now();
    const day = dayOf(at);
    return { day, now: at, used: usernames.length === 0 ? new Map() : await findUsed(db, usernames, day) };
  },
});
