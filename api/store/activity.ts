/**
 * Table `activity`: an account's recipients of a day, and what became of them. The sketch (../distinct_sketch.ts) counts
 * distinct ones; its estimate stands beside it.
 */
import { type Kysely, sql, type Transaction } from "kysely";
import { addToSketch, estimate, SKETCH_OCTETS } from "../distinct_sketch.ts";
import { remembered } from "./remembered.ts";
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

/** `changes` names an account's day once at most. */
export const changeActivity = async (
  db: Transaction<Database>,
  changes: readonly ActivityChange[],
): Promise<void> => {
  for (const { username, day, addresses, outcomes, refused } of changes) {
    const before = (await findRows(db, username, day))[0];
    const sketch = new Uint8Array(before?.sketch ?? new Uint8Array(SKETCH_OCTETS));
    addToSketch(sketch, addresses);
    const known = { outcomes: before?.outcomes ?? 0, refused: before?.refused ?? 0 };
    await put(db, username, day, estimate(sketch), known.outcomes + outcomes, known.refused + refused, sketch);
  }
};

const findRows = remembered((db, username: string, day: string) =>
  db.selectFrom("activity").selectAll().where("username", "=", username).where("day", "=", day)
);

const put = remembered(
  (
    db,
    username: string,
    day: string,
    recipients: number,
    outcomes: number,
    refused: number,
    sketch: Uint8Array,
  ) =>
    db.insertInto("activity").values({ username, day, recipients, outcomes, refused, sketch })
      .onConflict((conflict) =>
        conflict.columns(["username", "day"]).doUpdateSet({
          recipients: sql`excluded.recipients`,
          outcomes: sql`excluded.outcomes`,
          refused: sql`excluded.refused`,
          sketch: sql`excluded.sketch`,
        })
      ),
);

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

/** Over the days from `since` up to, not including, `until`. */
export const summarizeActivity = async (
  db: Kysely<Database>,
  username: string,
  since: string,
  until: string,
): Promise<ActivitySummary> => {
  const row = await db.selectFrom("activity")
    .select((days) => [
      days.fn.coalesce(days.fn.max("recipients"), days.lit(0)).as("recipients"),
      days.fn.coalesce(days.fn.sum<number>("outcomes"), days.lit(0)).as("outcomes"),
      days.fn.coalesce(days.fn.sum<number>("refused"), days.lit(0)).as("refused"),
    ])
    .where("username", "=", username).where("day", ">=", since).where("day", "<", until).executeTakeFirstOrThrow();
  return row;
};

/** Deletes some of the days before `day`. @returns whether there may be more. */
export const pruneActivity = async (db: Kysely<Database>, day: string): Promise<boolean> => {
  const some = db.selectFrom("activity").select(["username", "day"]).where("day", "<", day).limit(PRUNE_BATCH);
  const deleted = await db.deleteFrom("activity")
    .where((row) => row(row.refTuple("username", "day"), "in", some.$asTuple("username", "day"))).executeTakeFirst();
  return deleted.numDeletedRows === BigInt(PRUNE_BATCH);
};
