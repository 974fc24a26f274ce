/**
 * Table `policy_change`: each change of the policy, of which the newest is what holds. It is only ever added to, so it
 * is the history too, and going back is one change more.
 */
import type { Kysely, Transaction } from "kysely";
import { exclusively } from "./dialect.ts";
import type { Database, PolicyChangeRow } from "./schema.ts";

/** What holds before anything was changed: the program's own module, and the parameters of its settings. */
const BEGINNING: PolicyChangeRow = {
  version: 0,
  at: 0,
  who: "",
  what: "beginning",
  detail: null,
  active: null,
  shadow: null,
  parameters: "{}",
};

export const currentPolicy = async (db: Kysely<Database>): Promise<PolicyChangeRow> =>
  await db.selectFrom("policy_change").selectAll().orderBy("version", "desc").limit(1).executeTakeFirst() ?? BEGINNING;

/** What is said of a change, and what it changes: the rest stays as it is. */
export type PolicyChange =
  & Pick<PolicyChangeRow, "at" | "who" | "what" | "detail">
  & Partial<Pick<PolicyChangeRow, "active" | "shadow" | "parameters">>;

/**
 * Adds what `change` makes of the current row; null: nothing. One transaction, so that of two racers the second sees
 * the first. @returns what holds now.
 */
export const changePolicy = (
  db: Kysely<Database>,
  change: (current: PolicyChangeRow, transaction: Transaction<Database>) => Promise<PolicyChange | null>,
): Promise<PolicyChangeRow> =>
  exclusively(db, ["policy"], async (transaction) => {
    const current = await currentPolicy(transaction);
    const changed = await change(current, transaction);
    if (changed === null) return current;
    const row = { ...current, ...changed, version: current.version + 1 };
    await transaction.insertInto("policy_change").values(row).execute();
    return row;
  });

/**
 * The last good module before the current one: of the newest change that had another, and one that never failed; null:
 * the program's own.
 */
export const lastGoodModule = async (db: Kysely<Database>, current: PolicyChangeRow): Promise<string | null> => {
  const failed = db.selectFrom("policy_module").select("hash").where("failed_at", "is not", null);
  const row = await db.selectFrom("policy_change").select("active").where("version", "<", current.version)
    .where("active", "is distinct from", current.active)
    .where((change) => change.or([change("active", "is", null), change("active", "not in", failed)]))
    .orderBy("version", "desc").limit(1).executeTakeFirst();
  return row?.active ?? null;
};

/** Since when the current module is the active one; null: since the beginning. */
export const activeSince = async (db: Kysely<Database>, { active }: PolicyChangeRow): Promise<number | null> => {
  const other = await db.selectFrom("policy_change").select("version").where("active", "is distinct from", active)
    .orderBy("version", "desc").limit(1).executeTakeFirst();
  if (other === undefined && active === null) return null;
  const row = await db.selectFrom("policy_change").select("at").where("version", ">", other?.version ?? 0)
    .orderBy("version").limit(1).executeTakeFirst();
  return row?.at ?? null;
};

/** At most `limit` changes before the version `before`, the newest first. */
export const listPolicyChanges = (
  db: Kysely<Database>,
  before: number,
  limit: number,
): Promise<PolicyChangeRow[]> =>
  db.selectFrom("policy_change").selectAll().where("version", "<", before).orderBy("version", "desc").limit(limit)
    .execute();
