/** Table `usage`: what each account used of a day. It changes only in the transaction that changes a reservation. */
import { type Kysely, sql, type Transaction } from "kysely";
import { rowsInto } from "./many_rows.ts";
import { remembered } from "./remembered.ts";
import { accountDay, inOneOrder } from "./row_order.ts";
import type { Database, UsageRow } from "./schema.ts";

/** Rows that one step of pruning deletes: the others must not wait for long. */
const PRUNE_BATCH = 1000;

/** Relays of a day; of these, those for non-delivery reports, and those that are leased and not settled. */
export interface Used {
  readonly used: number;
  readonly ndr: number;
  readonly leased: number;
}

const findUsedOf = remembered((db, usernames: readonly string[], day: string) =>
  db.selectFrom("usage").select(["username", "used", "ndr", "leased"])
    .where("username", "in", usernames).where("day", "=", day)
);

/** Used relays of `day`, for those of `usernames` that used any. */
export const findUsed = async (
  db: Kysely<Database>,
  usernames: readonly string[],
  day: string,
): Promise<Map<string, Used>> => {
  const rows = await findUsedOf(db, usernames, day);
  return new Map(rows.map(({ username, ...used }) => [username, used]));
};

/** At most `limit` of those that used relays of `day`, behind `behind` in the order of names. */
export const listUsed = (
  db: Kysely<Database>,
  day: string,
  behind: string,
  limit: number,
): Promise<Pick<UsageRow, "username" | "used" | "ndr">[]> =>
  db.selectFrom("usage").select(["username", "used", "ndr"]).where("day", "=", day).where("username", ">", behind)
    .where("used", ">", 0).orderBy("username").limit(limit).execute();

/** What was leased and never settled was not used, whatever became of the node. */
const spentOf = sql<number>`usage.used - usage.leased`;

export interface UsageSummary {
  /** Days on which relays were used. */
  readonly days: number;
  /** Of the busiest of them. */
  readonly relays: number;
}

/** Over the days from `since` up to, not including, `until`, for those of `usernames` that used any. */
export const summarizeUsage = async (
  db: Kysely<Database>,
  usernames: readonly string[],
  since: string,
  until: string,
): Promise<Map<string, UsageSummary>> => {
  const rows = await db.selectFrom("usage")
    .select((days) => ["username", days.fn.countAll<number>().as("days"), days.fn.max<number>(spentOf).as("relays")])
    .where("username", "in", usernames).where("day", ">=", since).where("day", "<", until).where(spentOf, ">", 0)
    .groupBy("username").execute();
  return new Map(rows.map(({ username, ...summary }) => [username, summary]));
};

/** What an account's day came to: relays without what is leased, and what table `activity` has of it. */
export interface DayFigures extends Omit<Used, "leased"> {
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
      spentOf.as("used"),
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
  /** To what is leased. */
  readonly leased: number;
}

type DayChange = Pick<UsageChange, "username" | "day"> & Used;

const sumByAccountAndDay = (changes: readonly UsageChange[]): DayChange[] => {
  const sums = new Map<string, DayChange>();
  for (const { username, day, relays, ndr, leased } of changes) {
    const key = accountDay({ username, day });
    const before = sums.get(key) ?? { used: 0, ndr: 0, leased: 0 };
    const after = {
      used: before.used + relays,
      ndr: before.ndr + ndr * relays,
      leased: before.leased + leased,
    };
    sums.set(key, { username, day, ...after });
  }
  return inOneOrder(sums);
};

const addToDays = rowsInto(
  "usage",
  ["username", "day", "used", "ndr", "leased", "wanted_at"],
  `on conflict ("username", "day") do update set "used" = "usage"."used" + "excluded"."used",
  "ndr" = "usage"."ndr" + "excluded"."ndr", "leased" = "usage"."leased" + "excluded"."leased"`,
);

export const changeUsage = async (db: Transaction<Database>, changes: readonly UsageChange[]): Promise<void> => {
  await addToDays(db, sumByAccountAndDay(changes).map((change) => ({ ...change, wanted_at: 0 })));
};

/** Writes what was used of days, as it was counted elsewhere. */
export const putUsage = async (db: Kysely<Database>, rows: readonly UsageRow[]): Promise<void> => {
  if (rows.length === 0) return;
  await db.insertInto("usage").values(inOneOrder(rows.map((row) => [accountDay(row), row])))
    .onConflict((conflict) =>
      conflict.columns(["username", "day"]).doUpdateSet({
        used: sql`excluded.used`,
        ndr: sql`excluded.ndr`,
        leased: sql`excluded.leased`,
      })
    ).execute();
};

/** Notes that these accounts were refused what a lease holds. */
export const wantLeases = async (
  db: Transaction<Database>,
  usernames: readonly string[],
  day: string,
  now: number,
): Promise<void> => {
  if (usernames.length === 0) return;
  await db.updateTable("usage").set({ wanted_at: now }).where("day", "=", day).where("username", "in", usernames)
    .execute();
};

/** Those of `usernames` whose leases of `day` somebody wanted at `since` (epoch ms) or later. */
export const findWanted = async (
  db: Kysely<Database>,
  usernames: readonly string[],
  day: string,
  since: number,
): Promise<string[]> => {
  const rows = await db.selectFrom("usage").select("username").where("day", "=", day)
    .where("username", "in", usernames).where("wanted_at", ">=", since).execute();
  return rows.map(({ username }) => username);
};

/** Deletes some of the days before `day`. @returns whether there may be more. */
export const pruneUsage = async (db: Kysely<Database>, day: string): Promise<boolean> => {
  const some = db.selectFrom("usage").select(["username", "day"]).where("day", "<", day).limit(PRUNE_BATCH);
  const deleted = await db.deleteFrom("usage")
    .where((row) => row(row.refTuple("username", "day"), "in", some.$asTuple("username", "day"))).executeTakeFirst();
  return deleted.numDeletedRows === BigInt(PRUNE_BATCH);
};
