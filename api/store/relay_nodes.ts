/** Table `relay_node`: for which machine a node speaks. A node belongs to the label whose token named it first. */
import type { Kysely } from "kysely";
import type { Database, RelayNodeRow } from "./schema.ts";

/** Takes the node for the label if it is nobody's yet; the primary key decides between racers. @returns whose it is. */
export const claimRelayNode = async (db: Kysely<Database>, row: RelayNodeRow): Promise<string> => {
  const found = await findLabel(db, row.node);
  if (found !== undefined) return found;
  await db.insertInto("relay_node").values(row).onConflict((conflict) => conflict.doNothing()).execute();
  return await findLabel(db, row.node) ?? row.label;
};

const findLabel = async (db: Kysely<Database>, node: string): Promise<string | undefined> => {
  const row = await db.selectFrom("relay_node").select("label").where("node", "=", node).executeTakeFirst();
  return row?.label;
};
