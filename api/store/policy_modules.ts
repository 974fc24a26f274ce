/** Table `policy_module`: modules that were loaded, by their hash. The program's own is not among them. */
import type { Kysely } from "kysely";
import type { Database, PolicyModuleRow } from "./schema.ts";

/** One that is there already stays. */
export const insertPolicyModule = async (db: Kysely<Database>, row: PolicyModuleRow): Promise<void> => {
  await db.insertInto("policy_module").values(row).onConflict((conflict) => conflict.doNothing()).execute();
};

export const setModuleFailed = async (db: Kysely<Database>, hash: string, failedAt: number): Promise<void> => {
  await db.updateTable("policy_module").set({ failed_at: failedAt }).where("hash", "=", hash).execute();
};

export const findPolicyModule = async (
  db: Kysely<Database>,
  hash: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> => {
  const row = await db.selectFrom("policy_module").select("octets").where("hash", "=", hash).executeTakeFirst();
  return row && new Uint8Array(row.octets);
};
