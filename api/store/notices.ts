/**
 * Table `notice`: what account and operator should know of. Each stands once for its `once`, such as an account's day.
 *
 * A notice whose `mail_due_at` has come may be taken by a node, which sends it as mail; who takes it puts the time off,
 * so that another node may take it should this one never say that it has it.
 */
import type { Kysely, Transaction } from "kysely";
import { chunks } from "./chunks.ts";
import { inOneOrder } from "./row_order.ts";
import type { Database, NoticeRow } from "./schema.ts";

/** Rows that one step of pruning deletes: the others must not wait for long. */
const PRUNE_BATCH = 500;

/** Two control planes may say the same. @returns those that did not stand there already. */
export const insertNotices = async (db: Kysely<Database>, rows: readonly NoticeRow[]): Promise<Set<string>> => {
  const inserted = new Set<string>();
  for (const chunk of chunks(inOneOrder(rows.map((row) => [row.once, row])))) {
    const added = await db.insertInto("notice").values(chunk).onConflict((conflict) => conflict.doNothing())
      .returning("once").execute();
    for (const { once } of added) inserted.add(once);
  }
  return inserted;
};

export interface NoticeFilter {
  readonly account?: string | undefined;
  /** Before this id; undefined: from the newest. */
  readonly before?: string | undefined;
}

/** A notice, and whether the history has a message of its id: it was sent as mail. */
export type ListedNotice = NoticeRow & { readonly mail: string | null };

/** At most `limit` notices, the newest first. */
export const listNotices = (
  db: Kysely<Database>,
  { account, before }: NoticeFilter,
  limit: number,
): Promise<ListedNotice[]> => {
  let query = db.selectFrom("notice").leftJoin("message", "message.id", "notice.id").selectAll("notice")
    .select("message.id as mail");
  if (account !== undefined) query = query.where("notice.account", "=", account);
  if (before !== undefined) query = query.where("notice.id", "<", before);
  return query.orderBy("notice.id", "desc").limit(limit).execute();
};

export const findNotice = (db: Kysely<Database>, once: string): Promise<NoticeRow | undefined> =>
  db.selectFrom("notice").selectAll().where("once", "=", once).executeTakeFirst();

/** Whether there is mail that a node may take at `now`. */
export const isNoticeMailDue = async (db: Kysely<Database>, now: number): Promise<boolean> => {
  const row = await db.selectFrom("notice").select("id").where("mail_due_at", "<=", now).limit(1).executeTakeFirst();
  return row !== undefined;
};

/** At most `limit` of those that a node may take at `now`, the longest due first. */
export const findNoticesToMail = (db: Transaction<Database>, now: number, limit: number): Promise<ListedNotice[]> =>
  db.selectFrom("notice").leftJoin("message", "message.id", "notice.id").selectAll("notice")
    .select("message.id as mail").where("mail_due_at", "<=", now).orderBy("mail_due_at").limit(limit).execute();

/** @param at null: they need not be sent any more. */
export const setMailDue = async (db: Kysely<Database>, ids: readonly string[], at: number | null): Promise<void> => {
  if (ids.length > 0) await db.updateTable("notice").set({ mail_due_at: at }).where("id", "in", ids).execute();
};

/** Deletes some of those from before `before` (epoch ms). @returns whether there may be more. */
export const pruneNotices = async (db: Kysely<Database>, before: number): Promise<boolean> => {
  const some = db.selectFrom("notice").select("id").where("at", "<", before).limit(PRUNE_BATCH);
  const deleted = await db.deleteFrom("notice").where("id", "in", some).executeTakeFirst();
  return deleted.numDeletedRows === BigInt(PRUNE_BATCH);
};
