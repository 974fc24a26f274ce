/** What a batch of requests is granted, in the control plane's own database. */
import type { Transaction } from "kysely";
import { findReservations, insertReservations } from "../store/reservations.ts";
import type { Database, ReservationRow } from "../store/schema.ts";
import { changeUsage, findUsed, type UsageChange, type Used, wantLeases } from "../store/usage.ts";
import { dayOf } from "../utc_day.ts";
import type { Answer, Caps, Holder, Request } from "./counters.ts";
import { limitsOf } from "./request_limits.ts";

const NOTHING_USED: Used = { used: 0, ndr: 0, leased: 0 };

/** Within a transaction beside which no other changes what it reads. @throws {LimitsUnknown} */
export const reserve = async (
  db: Transaction<Database>,
  holder: Holder,
  requests: readonly Request[],
  now: number,
  caps: Caps,
): Promise<Answer[]> => {
  const day = dayOf(now), limits = limitsOf(requests, now, caps);
  const known = await findReservations(db, requests.map(({ id }) => id));
  const used = new Map(await findUsed(db, [...new Set(requests.map((request) => request.username))], day));
  const granted: ReservationRow[] = [], wanted = new Set<string>();
  const answers = requests.map(({ id, username, relays, lease }, n): Answer => {
    const before = used.get(username) ?? NOTHING_USED;
    const { limit, ndr: ndrLimit } = limits[n]!;
    const ndr = ndrLimit === null ? null : { used: before.ndr, limit: ndrLimit };
    const earlier = known.get(id);
    if (earlier !== undefined) {
      const counted = earlier.username === username && earlier.state !== "refunded";
      const own = counted && earlier.day === day ? earlier : { relays: 0, ndr: 0, lease: 0, settled: 0 };
      const leased = before.leased - own.lease * (own.relays - own.settled);
      return {
        ...{ id, granted: counted, day: earlier.day, now, used: before.used - own.relays, leased, limit },
        ndr: ndr && { ...ndr, used: ndr.used - earlier.ndr * own.relays },
      };
    }
    const answer = { id, day, now, used: before.used, leased: before.leased, limit, ndr };
    // Leases are not called back for another lease.
    if (before.used + relays > limit && before.leased > 0 && !lease) wanted.add(username);
    const isTooMuch = before.used + relays > limit || (ndr !== null && ndr.used + relays > ndr.limit);
    if (isTooMuch) return { ...answer, granted: false };
    const kind = { ndr: ndr === null ? 0 : 1, lease: lease ? 1 : 0 };
    const row: ReservationRow = { id, username, day, relays, ...kind, settled: 0, ...holder, state: "reserved" };
    granted.push(row);
    known.set(id, row);
    used.set(username, {
      used: before.used + relays,
      ndr: before.ndr + kind.ndr * relays,
      leased: before.leased + kind.lease * relays,
    });
    return { ...answer, granted: true };
  });
  await insertReservations(db, granted);
  await changeUsage(db, granted.map(chargeOf));
  await wantLeases(db, [...wanted], day, now);
  return answers;
};

const chargeOf = ({ username, day, relays, ndr, lease }: ReservationRow): UsageChange => (
  { username, day, relays, ndr, leased: lease * relays }
);
