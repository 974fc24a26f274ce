/** Table `audit`: what was asked of the public API that could change something, by whom, and what came of it. */
import type { Kysely } from "kysely";
import type { AuditRow, Database } from "./schema.ts";

/** Rows deleted in one statement: each is short, and others wait for it. */
const PRUNE_BATCH = 1000;

export const insertAudit = async (db: Kysely<Database>, row: AuditRow): Promise<void> => {
  await db.insertInto("audit").values(row).execute();
};

export const setAuditStatus = async (db: Kysely<Database>, id: string, status: number): Promise<void> => {
  await db.updateTable("audit").set({ status }).where("id", "=", id).execute();
};

export interface AuditFilter {
  readonly account?: string | undefined;
  /** At this instant or later. */
  readonly since?: number | undefined;
  /** Before this instant. */
  readonly until?: number | undefined;
  /** Before this id; undefined: from the newest. */
  readonly before?: string | undefined;
}

/** At most `limit` entries, the newest first. */
export const listAudit = (
  db: Kysely<Database>,
  { account, since, until, before }: AuditFilter,
  limit: number,
): Promise<AuditRow[]> => {
  let query = db.selectFrom("audit").selectAll();
  if (account !== undefined) query = query.where("account", "=", account);
  if (since !== undefined) query = query.where("at", ">=", since);
  if (until !== undefined) query = query.where("at", "<", until);
  if (before !== undefined) query = query.where("id", "<", before);
  return query.orderBy("id", "desc").limit(limit).execute();
};

/** Deletes some of the entries before `before` (epoch ms). @returns whether there may be more. */
export const pruneAudit = async (db: Kysely<Database>, before: number): Promise<boolean> => {
  const old = db.selectFrom("audit").select("id").where("at", "<", before).limit(PRUNE_BATCH);
  const { numDeletedRows } = await db.deleteFrom("audit").where("id", "in", old).executeTakeFirst();
  return numDeletedRows === BigInt(PRUNE_BATCH);
};
