/**
 * Table `decision_chunk`: recorded decisions as nodes sent them, some hundreds in a row, so that a million of them are a
 * few thousand rows. Ids are the nodes' ULIDs, about in the order of time.
 */
import type { Kysely } from "kysely";
import type { Database, DecisionChunkRow } from "./schema.ts";

/** Chunks that one statement of `prune` deletes: it must not hold up the others. */
const PRUNE_BATCH = 100;

/** One that is there already stays: its first answer was lost. */
export const insertDecisionChunks = async (
  db: Kysely<Database>,
  rows: readonly DecisionChunkRow[],
): Promise<void> => {
  if (rows.length === 0) return;
  await db.insertInto("decision_chunk").values(rows).onConflict((conflict) => conflict.doNothing()).execute();
};

export interface DecisionFilter {
  /** Chunks that end at this instant or later, and begin before the other one. */
  readonly since: number;
  readonly until: number;
  /** Behind this id. */
  readonly after: string;
}

/** At most `limit` chunks, in the order of their ids. */
export const listDecisionChunks = (
  db: Kysely<Database>,
  { since, until, after }: DecisionFilter,
  limit: number,
): Promise<DecisionChunkRow[]> =>
  db.selectFrom("decision_chunk").selectAll().where("until_at", ">=", since).where("from_at", "<", until)
    .where("id", ">", after).orderBy("id").limit(limit).execute();

/** How many decisions there are in such chunks. */
export const countDecisions = async (
  db: Kysely<Database>,
  { since, until }: Pick<DecisionFilter, "since" | "until">,
): Promise<number> => {
  const { count } = await db.selectFrom("decision_chunk")
    .select((chunks) => chunks.fn.coalesce(chunks.fn.sum<number>("count"), chunks.lit(0)).as("count"))
    .where("until_at", ">=", since).where("from_at", "<", until).executeTakeFirstOrThrow();
  return count;
};

/** Deletes some of the chunks that ended before `before`. @returns whether there may be more. */
export const pruneDecisionChunks = async (db: Kysely<Database>, before: number): Promise<boolean> => {
  const deleted = await db.deleteFrom("decision_chunk").where(
    "id",
    "in",
    db.selectFrom("decision_chunk").select("id").where("until_at", "<", before).limit(PRUNE_BATCH),
  ).executeTakeFirst();
  return deleted.numDeletedRows === BigInt(PRUNE_BATCH);
};
