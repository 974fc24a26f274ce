/** Table `usage`: what each account used of a day. It changes only in the transaction that changes a reservation. */
import { type Kysely, sql, type Transaction } from "kysely";
import { remembered } from "./remembered.ts";
import type { Database } from "./schema.ts";

/** Rows that one step of pruning deletes: the others must not wait for long. */
const PRUNE_BATCH = 1000;

/** Relays of a day, and of these, those for non-delivery reports. */
export interface Used {
  readonly used: number;
  readonly ndr: number;
}

const findUsedOf = remembered((db, usernames: readonly string[], day: string) =>
  db.selectFrom("usage").select(["username", "used", "ndr"]).where("username", "in", usernames).where("day", "=", day)
);

/** Used relays of `day`, for those of `usernames` that used any. */
export const findUsed = async (
  db: Kysely<Database>,
  usernames: readonly string[],
  day: string,
): Promise<Map<string, Used>> => {
  const rows = await findUsedOf(db, usernames, day);
  return new Map(rows.map(({ username, used, ndr }) => [username, { used, ndr }]));
};

export interface UsageSummary {
  /** Days on which relays were used. */
  readonly days: number;
  /** Of the busiest of them. */
  readonly relays: number;
}

/** Over the days from `since` up to, not including, `until`. */
export const summarizeUsage = async (
  db: Kysely<Database>,
  username: string,
  since: string,
  until: string,
): Promise<UsageSummary> =>
  await db.selectFrom("usage")
    .select((days) => [
      days.fn.countAll<number>().as("days"),
      days.fn.coalesce(days.fn.max("used"), days.lit(0)).as("relays"),
    ])
    .where("username", "=", username).where("day", ">=", since).where("day", "<", until).where("used", ">", 0)
    .executeTakeFirstOrThrow();

/** Adds `relays` (which may be negative, for a refund) to what `username` used of `day`. */
export interface UsageChange {
  readonly username: string;
  readonly day: string;
  readonly relays: number;
  /** 1: they are for a non-delivery report. */
  readonly ndr: number;
}

type DayChange = Pick<UsageChange, "username" | "day"> & Used;

const sumByAccountAndDay = (changes: readonly UsageChange[]): DayChange[] => {
  const sums = new Map<string, DayChange>();
  for (const { username, day, relays, ndr } of changes) {
    const key = `${day} ${username}`;
    const { used: usedBefore = 0, ndr: ndrBefore = 0 } = sums.get(key) ?? {};
    sums.set(key, { username, day, used: relays + usedBefore, ndr: ndr * relays + ndrBefore });
  }
  return [...sums.values()];
};

const addToDay = remembered((db, username: string, day: string, used: number, ndr: number) =>
  db.insertInto("usage").values({ username, day, used, ndr })
    .onConflict((conflict) =>
      conflict.columns(["username", "day"])
        .doUpdateSet({ used: sql`usage.used + excluded.used`, ndr: sql`usage.ndr + excluded.ndr` })
    )
);

export const changeUsage = async (db: Transaction<Database>, changes: readonly UsageChange[]): Promise<void> => {
  for (const { username, day, used, ndr } of sumByAccountAndDay(changes)) await addToDay(db, username, day, used, ndr);
};

/** Deletes some of the days before `day`. @returns whether there may be more. */
export const pruneUsage = async (db: Kysely<Database>, day: string): Promise<boolean> => {
  const some = db.selectFrom("usage").select(["username", "day"]).where("day", "<", day).limit(PRUNE_BATCH);
  const deleted = await db.deleteFrom("usage")
    .where((row) => row(row.refTuple("username", "day"), "in", some.$asTuple("username", "day"))).executeTakeFirst();
  return deleted.numDeletedRows === BigInt(PRUNE_BATCH);
};
