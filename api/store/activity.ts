/**
 * Table `activity`: an account's recipients of a day, and what became of them. The sketch (../distinct_sketch.ts) counts
 * distinct ones; its estimate stands beside it.
 */
import type { Kysely, Transaction } from "kysely";
import { addToSketch, estimate, SKETCH_OCTETS } from "../distinct_sketch.ts";
import { rowsInto } from "./many_rows.ts";
import { remembered } from "./remembered.ts";
import { accountDay, inOneOrder } from "./row_order.ts";
import type { ActivityRow, Database } from "./schema.ts";

/** Rows that one step of pruning deletes: the others must not wait for long. */
const PRUNE_BATCH = 200;

/** What is added to a day. */
export interface ActivityChange {
  readonly username: string;
  readonly day: string;
  /** Addresses of messages that were accepted. */
  readonly addresses: readonly string[];
  /** Recipients whose fate became known, and of these, those that were refused for good. */
  readonly outcomes: number;
  readonly refused: number;
}

const COLUMNS = ["username", "day", "recipients", "outcomes", "refused", "sketch"] as const;
const NO_SKETCH = new Uint8Array(SKETCH_OCTETS);

/** PostgreSQL keeps what is counted from others until the transaction's end: nobody's sketch is read before it. */
const countOutcomes = rowsInto<"activity", Pick<ActivityRow, "username" | "day" | "sketch">>(
  "activity",
  COLUMNS,
  `on conflict ("username", "day") do update set "outcomes" = "activity"."outcomes" + "excluded"."outcomes",
  "refused" = "activity"."refused" + "excluded"."refused" returning "username", "day", "sketch"`,
);

const putSketches = rowsInto(
  "activity",
  COLUMNS,
  `on conflict ("username", "day") do update set "recipients" = "excluded"."recipients", "sketch" = "excluded"."sketch"`,
);

/**
 * Two statements, however many accounts: what they lock keeps others, who may be next to the database, for as long as
 * they and the commit take to go to it and back. To be called last in a transaction.
 *
 * @param changes name an account's day once at most.
 */
export const changeActivity = async (
  db: Transaction<Database>,
  changes: readonly ActivityChange[],
): Promise<void> => {
  const byDay = new Map(changes.map((change) => [accountDay(change), change]));
  const days = await countOutcomes(
    db,
    inOneOrder(byDay).map(({ username, day, outcomes, refused }) => (
      { username, day, recipients: 0, outcomes, refused, sketch: NO_SKETCH }
    )),
  );
  const sketched = days.flatMap(({ username, day, sketch: before }) => {
    // A name that the engine cannot keep as it came is no account's.
    const addresses = byDay.get(accountDay({ username, day }))?.addresses ?? [];
    if (addresses.length === 0) return [];
    const sketch = new Uint8Array(before);
    addToSketch(sketch, addresses);
    return [{ username, day, recipients: estimate(sketch), outcomes: 0, refused: 0, sketch }];
  });
  await putSketches(db, sketched);
};

export type Activity = Omit<ActivityRow, "sketch">;

const findCounts = remembered((db, usernames: readonly string[], day: string) =>
  db.selectFrom("activity").select(["username", "day", "recipients", "outcomes", "refused"])
    .where("username", "in", usernames).where("day", "=", day)
);

/** Of `day`, for those of `usernames` that had any. */
export const findActivity = async (
  db: Kysely<Database>,
  usernames: readonly string[],
  day: string,
): Promise<Map<string, Activity>> => {
  const rows = await findCounts(db, usernames, day);
  return new Map(rows.map((row) => [row.username, row]));
};

export interface ActivitySummary {
  /** Distinct recipients of the busiest day. */
  readonly recipients: number;
  readonly outcomes: number;
  readonly refused: number;
}

/** Over the days from `since` up to, not including, `until`, for those of `usernames` that had any. */
export const summarizeActivity = async (
  db: Kysely<Database>,
  usernames: readonly string[],
  since: string,
  until: string,
): Promise<Map<string, ActivitySummary>> => {
  const rows = await db.selectFrom("activity")
    .select((days) => [
      "username",
      days.fn.max("recipients").as("recipients"),
      days.fn.sum<number>("outcomes").as("outcomes"),
      days.fn.sum<number>("refused").as("refused"),
    ])
    .where("username", "in", usernames).where("day", ">=", since).where("day", "<", until)
    .groupBy("username").execute();
  return new Map(rows.map(({ username, ...summary }) => [username, summary]));
};

/** Deletes some of the days before `day`. @returns whether there may be more. */
export const pruneActivity = async (db: Kysely<Database>, day: string): Promise<boolean> => {
  const some = db.selectFrom("activity").select(["username", "day"]).where("day", "<", day).limit(PRUNE_BATCH);
  const deleted = await db.deleteFrom("activity")
    .where((row) => row(row.refTuple("username", "day"), "in", some.$asTuple("username", "day"))).executeTakeFirst();
  return deleted.numDeletedRows === BigInt(PRUNE_BATCH);
};
