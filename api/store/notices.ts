/** Table `notice`: what account and operator should know of. Each stands once for its `once`, such as an account's day. */
import type { Kysely } from "kysely";
import type { Database, NoticeRow } from "./schema.ts";

/** Rows that one step of pruning deletes: the others must not wait for long. */
const PRUNE_BATCH = 500;

/** @returns false where it stands there already. */
export const insertNotice = async (db: Kysely<Database>, row: NoticeRow): Promise<boolean> => {
  const inserted = await db.insertInto("notice").values(row).onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
};

export interface NoticeFilter {
  readonly account?: string | undefined;
  /** Before this id; undefined: from the newest. */
  readonly before?: string | undefined;
}

/** At most `limit` notices, the newest first. */
export const listNotices = (
  db: Kysely<Database>,
  { account, before }: NoticeFilter,
  limit: number,
): Promise<NoticeRow[]> => {
  let query = db.selectFrom("notice").selectAll();
  if (account !== undefined) query = query.where("account", "=", account);
  if (before !== undefined) query = query.where("id", "<", before);
  return query.orderBy("id", "desc").limit(limit).execute();
};

/** Deletes some of those from before `before` (epoch ms). @returns whether there may be more. */
export const pruneNotices = async (db: Kysely<Database>, before: number): Promise<boolean> => {
  const some = db.selectFrom("notice").select("id").where("at", "<", before).limit(PRUNE_BATCH);
  const deleted = await db.deleteFrom("notice").where("id", "in", some).executeTakeFirst();
  return deleted.numDeletedRows === BigInt(PRUNE_BATCH);
};
