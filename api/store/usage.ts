/** Table `usage`: what each account used of a day. It changes only in the transaction that changes a reservation. */
import { type Kysely, sql, type Transaction } from "kysely";
import type { Database } from "./schema.ts";

/** Rows that one step of pruning deletes: the others must not wait for long. */
const PRUNE_BATCH = 1000;

/** Relays of a day, and of these, those for non-delivery reports. */
export interface Used {
  readonly used: number;
  readonly ndr: number;
}

/** Used relays of `day`, for those of `usernames` that used any. */
export const findUsed = async (
  db: Kysely<Database>,
  usernames: readonly string[],
  day: string,
): Promise<Map<string, Used>> => {
  const rows = await db.selectFrom("usage").select(["username", "used", "ndr"])
    .where("username", "in", usernames).where("day", "=", day).execute();
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

/** What an account's day came to: relays, and what table `activity` has of it. */
export interface DayFigures extends Used {
  readonly day: string;
  readonly recipients: number;
  readonly outcomes: number;
  readonly refused: number;
}

/** At most `limit` days of an account before the day `before` (undefined: from the newest), the newest first. */
export const listDays = (
  db: Kysely<Database>,
  username: string,
  before: string | undefined,
  limit: number,
): Promise<DayFigures[]> => {
  let query = db.selectFrom("usage")
    .leftJoin(
      "activity",
      (join) => join.onRef("activity.username", "=", "usage.username").onRef("activity.day", "=", "usage.day"),
    )
    .select((row) => [
      "usage.day",
      "usage.used",
      "usage.ndr",
      row.fn.coalesce("activity.recipients", row.lit(0)).as("recipients"),
      row.fn.coalesce("activity.outcomes", row.lit(0)).as("outcomes"),
      row.fn.coalesce("activity.refused", row.lit(0)).as("refused"),
    ])
    .where("usage.username", "=", username);
  if (before !== undefined) query = query.where("usage.day", "<", before);
  return query.orderBy("usage.day", "desc").limit(limit).execute();
};

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

export const changeUsage = async (db: Transaction<Database>, changes: readonly UsageChange[]): Promise<void> => {
  if (changes.length === 0) return;
  await db.insertInto("usage").values(sumByAccountAndDay(changes))
    .onConflict((conflict) =>
      conflict.columns(["username", "day"])
        .doUpdateSet({ used: sql`usage.used + excluded.used`, ndr: sql`usage.ndr + excluded.ndr` })
    ).execute();
};

/** Deletes some of the days before `day`. @returns whether there may be more. */
export const pruneUsage = async (db: Kysely<Database>, day: string): Promise<boolean> => {
  const some = db.selectFrom("usage").select(["username", "day"]).where("day", "<", day).limit(PRUNE_BATCH);
  const deleted = await db.deleteFrom("usage")
    .where((row) => row(row.refTuple("username", "day"), "in", some.$asTuple("username", "day"))).executeTakeFirst();
  return deleted.numDeletedRows === BigInt(PRUNE_BATCH);
};
