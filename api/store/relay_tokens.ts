/** Table `relay_token`: the tokens of relay machines, of which only the hash is kept. */
import type { Kysely } from "kysely";
import type { Database, RelayTokenRow } from "./schema.ts";

/** What is shown of a token. */
export type RelayToken = Omit<RelayTokenRow, "token_hash">;

const SHOWN = ["id", "label", "created_at", "last_used_at"] as const;

export const insertRelayToken = async (db: Kysely<Database>, row: RelayTokenRow): Promise<void> => {
  await db.insertInto("relay_token").values(row).execute();
};

/** The token of that hash, if it was not revoked. */
export const findRelayToken = (db: Kysely<Database>, tokenHash: string): Promise<RelayToken | undefined> =>
  db.selectFrom("relay_token").select(SHOWN).where("token_hash", "=", tokenHash).executeTakeFirst();

export const markRelayTokenUsed = async (db: Kysely<Database>, id: string, at: number): Promise<void> => {
  await db.updateTable("relay_token").set({ last_used_at: at }).where("id", "=", id).execute();
};

/** At most `limit` behind the id `after`, the oldest first. */
export const listRelayTokens = (db: Kysely<Database>, after: string, limit: number): Promise<RelayToken[]> =>
  db.selectFrom("relay_token").select(SHOWN).where("id", ">", after).orderBy("id").limit(limit).execute();

/** @returns false where there is no such token. */
export const deleteRelayToken = async (db: Kysely<Database>, id: string): Promise<boolean> => {
  const deleted = await db.deleteFrom("relay_token").where("id", "=", id).executeTakeFirst();
  return deleted.numDeletedRows === 1n;
};
