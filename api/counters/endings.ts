/**
 * How reservations end in the control plane's own database: settled, refunded, or, of a lease, trimmed. Each within a
 * transaction beside which no other changes what it reads. What is known as another node's is left alone.
 */
import type { Transaction } from "kysely";
import {
  findReservations,
  insertReservations,
  resizeReservations,
  setReservationState,
} from "../store/reservations.ts";
import type { Database, ReservationRow } from "../store/schema.ts";
import { changeUsage, type UsageChange } from "../store/usage.ts";
import { dayOf } from "../utc_day.ts";
import type { Refund, Settlement, Trim } from "../wire.ts";
import type { Holder } from "./counters.ts";
import { firstOpenDay, lastOpenDay } from "./kept_days.ts";

/** Whose tombstones are: a message that was accepted is charged, whoever has refunded its id before. */
const NOBODY = { node: "", boot: "" };

export const settle = async (
  db: Transaction<Database>,
  holder: Holder,
  settlements: readonly Settlement[],
  now: number,
): Promise<void> => {
  const isOpenDay = openDays(now);
  const leaseIds = settlements.flatMap(({ lease }) => lease ?? []);
  const known = await findReservations(db, [...new Set([...settlements.map(({ id }) => id), ...leaseIds])]);
  const own = ownOf(known, holder);
  const open = settlements.filter(({ id }) => own.has(id) && own.get(id)?.state !== "settled");
  const unknown = settlements.filter(({ id, day }) => !known.has(id) && isOpenDay(day));
  // The message was accepted, so a refund that came before was wrong, and an id we lost is charged to its day; unless
  // we lost it on purpose (kept_days.ts).
  const refunded = open.filter(({ id }) => own.get(id)?.state === "refunded");
  const leases = new OpenLeases(own);
  const charged = [...refunded, ...unknown].filter((settlement) => !leases.pay(settlement));
  await setReservationState(db, open.map(({ id }) => id), "settled");
  await insertReservations(db, unknown.map((settlement) => settledRow(settlement, holder)));
  await resizeReservations(db, leases.changed);
  await changeUsage(db, [...leases.takenFrom, ...charged.map(chargeOf)]);
};

/** @returns how many were open. */
export const refund = async (
  db: Transaction<Database>,
  holder: Holder,
  refunds: readonly Refund[],
  now: number,
): Promise<number> => {
  const today = dayOf(now), isOpenDay = openDays(now);
  const known = await findReservations(db, refunds.map(({ id }) => id));
  const open = [...ownOf(known, holder).values()].filter(({ state }) => state === "reserved");
  const tombstones = refunds.filter(({ id, day }) => !known.has(id) && isOpenDay(day ?? today));
  await setReservationState(db, open.map(({ id }) => id), "refunded");
  await changeUsage(db, open.map((row) => takeBack(row, row.relays - row.settled)));
  await insertReservations(
    db,
    tombstones.map(({ id, username, day, relays }) => (
      { id, username, day: day ?? today, relays, ndr: 0, lease: 0, settled: 0, ...NOBODY, state: "refunded" }
    )),
  );
  return open.length;
};

/** What was settled with a lease stays charged, whatever size it is told to have. */
export const trim = async (db: Transaction<Database>, holder: Holder, trims: readonly Trim[]): Promise<void> => {
  const own = ownOf(await findReservations(db, trims.map(({ id }) => id)), holder);
  const sizes = new Map<string, number>();
  for (const { id, relays } of trims) sizes.set(id, Math.min(relays, sizes.get(id) ?? relays));
  const smaller = Array.from(sizes, ([id, relays]) => ({ id, relays })).flatMap(({ id, relays }) => {
    const row = own.get(id);
    if (row === undefined || row.state !== "reserved" || row.lease === 0 || row.relays <= relays) return [];
    return [{ row, relays: Math.max(relays, row.settled) }];
  });
  await resizeReservations(db, smaller.map(({ row, relays }) => ({ ...row, relays })));
  await changeUsage(db, smaller.map(({ row, relays }) => takeBack(row, row.relays - relays)));
};

/** Whether what is not known counts for a day. */
const openDays = (now: number): (day: string) => boolean => {
  const first = firstOpenDay(now), last = lastOpenDay(now);
  return (day) => day >= first && day <= last;
};

const ownOf = (known: ReadonlyMap<string, ReservationRow>, { node }: Holder): Map<string, ReservationRow> =>
  new Map([...known].filter(([, row]) => row.node === node || row.node === NOBODY.node));

/** Leases as a batch of settlements uses them up. */
class OpenLeases {
  readonly #own: ReadonlyMap<string, ReservationRow>;
  readonly #settled = new Map<string, number>();

  constructor(own: ReadonlyMap<string, ReservationRow>) {
    this.#own = own;
  }

  /** @returns false where its lease does not cover it: then it is charged by itself. */
  pay({ lease: id, username, relays }: Settlement): boolean {
    const lease = id === undefined ? undefined : this.#own.get(id);
    if (lease === undefined || lease.state !== "reserved" || lease.lease === 0) return false;
    const settled = (this.#settled.get(lease.id) ?? lease.settled) + relays;
    if (lease.username !== username || settled > lease.relays) return false;
    this.#settled.set(lease.id, settled);
    return true;
  }

  get changed(): ReservationRow[] {
    return Array.from(this.#settled, ([id, settled]) => ({ ...this.#own.get(id)!, settled }));
  }

  /** What was leased is now settled: the same relays of the day. */
  get takenFrom(): UsageChange[] {
    return this.changed.map(({ id, username, day, settled }) => (
      { username, day, relays: 0, ndr: 0, leased: this.#own.get(id)!.settled - settled }
    ));
  }
}

const settledRow = (settlement: Settlement, holder: Holder): ReservationRow => {
  const { id, username, day, relays, ndr } = settlement;
  return { id, username, day, relays, ndr: ndr ? 1 : 0, lease: 0, settled: 0, ...holder, state: "settled" };
};

const chargeOf = ({ username, day, relays, ndr }: Settlement): UsageChange => (
  { username, day, relays, ndr: ndr ? 1 : 0, leased: 0 }
);

const takeBack = ({ username, day, ndr, lease }: ReservationRow, relays: number): UsageChange => (
  { username, day, relays: -relays, ndr, leased: -lease * relays }
);
