/** Table `policy_node`: by which policy each node decides, as it said last. */
import type { Kysely } from "kysely";
import type { Database, PolicyNodeRow } from "./schema.ts";

export const putPolicyNode = async (db: Kysely<Database>, row: PolicyNodeRow): Promise<void> => {
  await db.insertInto("policy_node").values(row)
    .onConflict((conflict) => conflict.column("node").doUpdateSet(row)).execute();
};

/** Nodes that were heard of at `since` or later, by name. */
export const listPolicyNodes = (db: Kysely<Database>, since: number): Promise<PolicyNodeRow[]> =>
  db.selectFrom("policy_node").selectAll().where("seen_at", ">=", since).orderBy("node").execute();
