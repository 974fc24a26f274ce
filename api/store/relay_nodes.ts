/** Table `relay_node`: for which machine a node speaks. A node belongs to the label whose token named it first. */
import type { Kysely } from "kysely";
import type { Database, RelayNodeRow } from "./schema.ts";

/** Of nodes that the shared token named first. No machine's token has it: a label has at least one character. */
export const SHARED_LABEL = "";

/** Takes the node for the label if it is nobody's yet; the primary key decides between racers. @returns whose it is. */
export const claimRelayNode = async (db: Kysely<Database>, row: RelayNodeRow): Promise<string> => {
  const found = await findLabel(db, row.node);
  if (found !== undefined) return found;
  await db.insertInto("relay_node").values(row).onConflict((conflict) => conflict.doNothing()).execute();
  return await findLabel(db, row.node) ?? row.label;
};

/** Those of the nodes, at least one, that were never heard of. */
export const findUnknown = async (db: Kysely<Database>, nodes: readonly string[]): Promise<string[]> => {
  const rows = await db.selectFrom("relay_node").select("node").where("node", "in", nodes)
    .union(db.selectFrom("node").select("node").where("node", "in", nodes)).execute();
  const known = new Set(rows.map(({ node }) => node));
  return nodes.filter((node) => !known.has(node));
};

/** Gives nodes, at least one, to a label, whosever they were. */
export const giveRelayNodes = async (db: Kysely<Database>, nodes: readonly string[], label: string): Promise<void> => {
  await db.insertInto("relay_node").values(nodes.map((node) => ({ node, label })))
    .onConflict((conflict) => conflict.column("node").doUpdateSet({ label })).execute();
};

const findLabel = async (db: Kysely<Database>, node: string): Promise<string | undefined> => {
  const row = await db.selectFrom("relay_node").select("label").where("node", "=", node).executeTakeFirst();
  return row?.label;
};
