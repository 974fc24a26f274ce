/** Table `node`: the relay nodes as they told of themselves last, and whether the operator wants one to let nobody in. */
import type { Kysely } from "kysely";
import type { Database, NodeRow } from "./schema.ts";

export const findNode = (db: Kysely<Database>, node: string): Promise<NodeRow | undefined> =>
  db.selectFrom("node").selectAll().where("node", "=", node).executeTakeFirst();

/** Stores what a node said of itself; what the operator wants of it stays. */
export const putNode = async (db: Kysely<Database>, row: Omit<NodeRow, "drain_wanted">): Promise<void> => {
  await db.insertInto("node").values({ ...row, drain_wanted: 0 })
    .onConflict((conflict) => conflict.column("node").doUpdateSet(row)).execute();
};

/** Nodes that were heard of at `since` or later, by region and name. */
export const listNodes = (db: Kysely<Database>, since: number): Promise<NodeRow[]> =>
  db.selectFrom("node").selectAll().where("seen_at", ">=", since).orderBy("region").orderBy("node").execute();

/** @returns false where there is no such node. */
export const setDrainWanted = async (db: Kysely<Database>, node: string, wanted: boolean): Promise<boolean> => {
  const updated = await db.updateTable("node").set({ drain_wanted: wanted ? 1 : 0 }).where("node", "=", node)
    .executeTakeFirst();
  return updated.numUpdatedRows === 1n;
};

export const deleteNode = async (db: Kysely<Database>, node: string): Promise<void> => {
  await db.deleteFrom("node").where("node", "=", node).execute();
};

/** Forgets those that were not heard of since, unless they are to drain: that stands until they serve again. */
export const deleteNodesBefore = async (db: Kysely<Database>, seenAt: number): Promise<void> => {
  await db.deleteFrom("node").where("seen_at", "<", seenAt).where("drain_wanted", "=", 0).execute();
};
