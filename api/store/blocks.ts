/** Table `block`: relay blocks bought, with the instant from which they count. */
import { type ExpressionBuilder, type Kysely, sql, type Transaction } from "kysely";
import type { BlockFacts } from "../wire.ts";
import { exclusively } from "./dialect.ts";
import { remembered } from "./remembered.ts";
import type { BlockRow, Database } from "./schema.ts";

/**
 * Purchases of an account that are not merged yet (`findBlockFacts`), each an entry of its own in the policy's memory,
 * which has room for 4,096 (policy/assembly/layout.ts): an account with more could not be decided on.
 */
export const MAX_UNMERGED = 4000;

/**
 * Buys, unless the account has MAX_UNMERGED purchases that are not merged; once for an idempotency key of the account.
 * Of racers each sees what the one before has bought.
 *
 * @returns the purchase, or the one that was made before with the same key; null: the account has too many.
 */
export const insertBlock = (db: Kysely<Database>, row: BlockRow): Promise<BlockRow | null> =>
  exclusively(db, [`blocks ${row.username}`], async (transaction) => {
    // A purchase without a key is the same as no other: null equals nothing.
    const before = await transaction.selectFrom("block").selectAll().where("username", "=", row.username)
      .where("idempotency_key", "=", row.idempotency_key).executeTakeFirst();
    if (before !== undefined) return before;
    if (await countUnmerged(transaction, row.username, row.purchased_at) >= MAX_UNMERGED) return null;
    await transaction.insertInto("block").values(row).execute();
    return row;
  });

const countUnmerged = async (db: Transaction<Database>, username: string, now: number): Promise<number> => {
  // For longer than they take to be merged: another control plane's clock may be behind.
  const { count } = await db.selectFrom("block").select((row) => row.fn.countAll<number>().as("count"))
    .where("username", "=", username).where("activates_at", ">", now - 2 * MERGED_AFTER_MS)
    .where((row) => row.or([row("cancelled_at", "is", null), row("cancelled_at", ">", now)])).where(everCounts)
    .executeTakeFirstOrThrow();
  return Number(count);
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

/**
 * Cancels a block from an instant on. One that is cancelled already ends no later than it would have; that it has ended
 * is not taken back.
 *
 * @param at epoch ms; not in the past.
 * @returns the block as it is now, or undefined where the account has no such block.
 */
export const cancelBlock = async (
  db: Kysely<Database>,
  username: string,
  id: string,
  at: number,
): Promise<BlockRow | undefined> =>
  await db.updateTable("block")
    .set((row) => ({
      cancelled_at: row.case().when("cancelled_at", "<", at).then(row.ref("cancelled_at")).else(at).end(),
    }))
    .where("id", "=", id).where("username", "=", username).returningAll().executeTakeFirst();

/** What is cancelled before it counts never does. */
const everCounts = (row: ExpressionBuilder<Database, "block">) =>
  row.or([row("cancelled_at", "is", null), row("cancelled_at", ">", row.ref("activates_at"))]);

/** What the notice of a block's beginning or end is known by. */
export const BLOCK_TURNS = {
  "block-activated": { column: "activates_at", once: "block-activated " },
  "block-ended": { column: "cancelled_at", once: "block-ended " },
} as const;

/**
 * At most `limit` blocks that began to count, or ceased to, after `since` and up to `until`, and of which no notice
 * tells yet. What was cancelled before it counted did neither.
 */
export const findUntoldBlocks = (
  db: Kysely<Database>,
  turn: keyof typeof BLOCK_TURNS,
  since: number,
  until: number,
  limit: number,
): Promise<BlockRow[]> => {
  const { column, once } = BLOCK_TURNS[turn];
  return db.selectFrom("block").selectAll().where(column, ">", since).where(column, "<=", until)
    .where(everCounts)
    .where((row) =>
      row.not(row.exists(
        row.selectFrom("notice").select("notice.id").where("notice.once", "=", sql<string>`${once} || block.id`),
      ))
    )
    .orderBy(column).limit(limit).execute();
};

/**
 * Blocks that count for so long are merged into one entry, so that an account of many purchases stays cheap to decide
 * on. Not at once: a node whose clock is behind must still see when each began to count.
 */
const MERGED_AFTER_MS = 3_600_000;

const findMerged = remembered((db, usernames: readonly string[], now: number, mergedBefore: number) =>
  db.selectFrom("block")
    .select((row) => ["username", row.fn.sum<number>("quantity").as("quantity"), row.fn.max("activates_at").as("at")])
    .where("username", "in", usernames)
    .where((row) => row.or([row("cancelled_at", "is", null), row("cancelled_at", ">", now)]))
    .where(everCounts)
    .groupBy("username")
    .groupBy((row) => row.case().when("activates_at", "<", mergedBefore).then(0).else(row.ref("activates_at")).end())
    .orderBy("username").orderBy("at")
);

/**
 * The blocks that count, or will, for each of `usernames`, in the order of their instants: those left out that have
 * ended, those of the same instant merged, and those that have counted for long merged under the latest instant of them.
 */
export const findBlockFacts = async (
  db: Kysely<Database>,
  usernames: readonly string[],
  now: number,
): Promise<Map<string, BlockFacts[]>> => {
  const rows = await findMerged(db, usernames, now, now - MERGED_AFTER_MS);
  const facts = new Map<string, BlockFacts[]>();
  for (const { username, at, quantity } of rows) {
    const blocks = facts.get(username) ?? [];
    blocks.push({ quantity, activatesAt: at });
    facts.set(username, blocks);
  }
  return facts;
};
