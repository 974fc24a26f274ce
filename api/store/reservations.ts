/**
 * Table `reservation`: each charge by its id, so that a repeated call counts once. What a state means for the day's
 * usage is kept by counters/control_database.ts, in one transaction with every change here.
 */
import { type Kysely, sql, type Transaction } from "kysely";
import { rowsInto } from "./many_rows.ts";
import { remembered } from "./remembered.ts";
import type { Database, ReservationRow } from "./schema.ts";

/** Rows that one step of pruning deletes: charges have to wait for it. */
const PRUNE_BATCH = 500;

const findByIds = remembered((db, ids: readonly string[]) =>
  db.selectFrom("reservation").selectAll().where("id", "in", ids)
);

export const findReservations = async (
  db: Kysely<Database>,
  ids: readonly string[],
): Promise<Map<string, ReservationRow>> => {
  if (ids.length === 0) return new Map();
  const rows = await findByIds(db, ids);
  return new Map(rows.map((row) => [row.id, row]));
};

const COLUMNS = ["id", "username", "day", "relays", "lease", "settled", "node", "boot", "state", "ndr"] as const;

const insertRows = rowsInto("reservation", COLUMNS);

/** None of `rows` is there already. */
export const insertReservations = async (
  db: Transaction<Database>,
  rows: readonly ReservationRow[],
): Promise<void> => {
  await insertRows(db, rows);
};

const setState = remembered((db, state: ReservationRow["state"], ids: readonly string[]) =>
  db.updateTable("reservation").set({ state }).where("id", "in", ids)
);

export const setReservationState = async (
  db: Transaction<Database>,
  ids: readonly string[],
  state: ReservationRow["state"],
): Promise<void> => {
  if (ids.length > 0) await setState(db, state, ids);
};

const resizeRows = rowsInto(
  "reservation",
  COLUMNS,
  `on conflict ("id") do update set "relays" = "excluded"."relays", "settled" = "excluded"."settled",
  "state" = case when "excluded"."settled" = "excluded"."relays" then 'settled' else "reservation"."state" end`,
);

/** Writes the sizes of leases that are there, and what was settled with them; one of which all is settled has ended. */
export const resizeReservations = async (
  db: Transaction<Database>,
  rows: readonly ReservationRow[],
): Promise<void> => {
  await resizeRows(db, rows);
};

/** At most `limit` open reservations that `node` made in boots before `boot`: boots are named so that they sort. */
export const findAbandoned = (
  db: Kysely<Database>,
  node: string,
  boot: string,
  limit: number,
): Promise<ReservationRow[]> =>
  db.selectFrom("reservation").selectAll()
    .where("node", "=", node).where("boot", "<", boot)
    // A literal, not a parameter: only so the index of open reservations is used.
    .where("state", "=", sql.lit("reserved" as const))
    .limit(limit).execute();

/** Deletes some of those for days before `day`, whatever their state. @returns whether there may be more. */
export const pruneReservations = async (db: Kysely<Database>, day: string): Promise<boolean> => {
  const some = db.selectFrom("reservation").select("id").where("day", "<", day).limit(PRUNE_BATCH);
  const deleted = await db.deleteFrom("reservation").where("id", "in", some).executeTakeFirst();
  return deleted.numDeletedRows === BigInt(PRUNE_BATCH);
};
