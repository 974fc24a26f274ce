/** Table `block`: relay blocks bought, with the instant from which they count. */
import type { Kysely } from "kysely";
import type { BlockFacts } from "../wire.ts";
import { remembered } from "./remembered.ts";
import type { BlockRow, Database } from "./schema.ts";

/**
 * Buys; once for an idempotency key of an account, for the unique index decides between racers.
 *
 * @returns the purchase, or the one that was made before with the same key.
 */
export const insertBlock = async (db: Kysely<Database>, row: BlockRow): Promise<BlockRow> => {
  const inserted = await db.insertInto("block").values(row)
    .onConflict((conflict) => conflict.columns(["username", "idempotency_key"]).doNothing()).executeTakeFirst();
  if (inserted.numInsertedOrUpdatedRows === 1n) return row;
  return await db.selectFrom("block").selectAll().where("username", "=", row.username)
    .where("idempotency_key", "=", row.idempotency_key).executeTakeFirstOrThrow();
};

/** At most `limit` blocks of an account behind the id `after`, cancelled ones included, in the order of their ids. */
export const listBlocks = (
  db: Kysely<Database>,
  username: string,
  after: string,
  limit: number,
): Promise<BlockRow[]> =>
  db.selectFrom("block").selectAll().where("username", "=", username).where("id", ">", after)
    .orderBy("id").limit(limit).execute();

/** @returns false where the account has no such block; cancelling again changes nothing and is true. */
export const cancelBlock = async (
  db: Kysely<Database>,
  username: string,
  id: string,
  cancelledAt: number,
): Promise<boolean> => {
  const updated = await db.updateTable("block")
    .set((row) => ({ cancelled_at: row.fn.coalesce("cancelled_at", row.val(cancelledAt)) }))
    .where("id", "=", id).where("username", "=", username).executeTakeFirst();
  return updated.numUpdatedRows === 1n;
};

/**
 * Blocks that count for so long are merged into one entry, so that an account of many purchases stays cheap to decide
 * on. Not at once: a node whose clock is behind must still see when each began to count.
 */
const MERGED_AFTER_MS = 3_600_000;

const findMerged = remembered((db, usernames: readonly string[], mergedBefore: number) =>
  db.selectFrom("block")
    .select((row) => ["username", row.fn.sum<number>("quantity").as("quantity"), row.fn.max("activates_at").as("at")])
    .where("username", "in", usernames).where("cancelled_at", "is", null)
    .groupBy("username")
    .groupBy((row) => row.case().when("activates_at", "<", mergedBefore).then(0).else(row.ref("activates_at")).end())
    .orderBy("username").orderBy("at")
);

/**
 * The blocks that count, or will, for each of `usernames`, in the order of their instants: cancelled ones left out,
 * those of the same instant merged, and those that have counted for long merged under the latest instant of them.
 */
export const findBlockFacts = async (
  db: Kysely<Database>,
  usernames: readonly string[],
  now: number,
): Promise<Map<string, BlockFacts[]>> => {
  const rows = await findMerged(db, usernames, now - MERGED_AFTER_MS);
  const facts = new Map<string, BlockFacts[]>();
  for (const { username, at, quantity } of rows) {
    const blocks = facts.get(username) ?? [];
    blocks.push({ quantity, activatesAt: at });
    facts.set(username, blocks);
  }
  return facts;
};
