/** Table `api_key`: the keys of accounts for the HTTP API, of which only the hash is kept. */
import type { Kysely } from "kysely";
import { type Scope, SCOPES } from "../access.ts";
import type { ApiKeyRow, Database } from "./schema.ts";

/** What is shown of a key. */
export type ApiKey = Omit<ApiKeyRow, "key_hash" | "scopes"> & { readonly scopes: readonly Scope[] };

const SHOWN = ["id", "username", "label", "scopes", "created_at", "last_used_at"] as const;

/** Scopes stand in their column as in OAuth (RFC 6749 3.3): names with a space between. */
const fromRow = (row: Omit<ApiKeyRow, "key_hash">): ApiKey => {
  const names = row.scopes.split(" ");
  return { ...row, scopes: SCOPES.filter((scope) => names.includes(scope)) };
};

export const insertApiKey = async (
  db: Kysely<Database>,
  { scopes, ...key }: ApiKey & { readonly key_hash: string },
): Promise<void> => {
  await db.insertInto("api_key").values({ ...key, scopes: scopes.join(" ") }).execute();
};

/** The key of that hash, if it was not revoked. */
export const findApiKey = async (db: Kysely<Database>, keyHash: string): Promise<ApiKey | undefined> => {
  const row = await db.selectFrom("api_key").select(SHOWN).where("key_hash", "=", keyHash).executeTakeFirst();
  return row && fromRow(row);
};

export const markApiKeyUsed = async (db: Kysely<Database>, id: string, at: number): Promise<void> => {
  await db.updateTable("api_key").set({ last_used_at: at }).where("id", "=", id).execute();
};

/** At most `limit` of an account behind the id `after`, in the order of their ids: the oldest first. */
export const listApiKeys = async (
  db: Kysely<Database>,
  username: string,
  after: string,
  limit: number,
): Promise<ApiKey[]> => {
  const rows = await db.selectFrom("api_key").select(SHOWN).where("username", "=", username).where("id", ">", after)
    .orderBy("id").limit(limit).execute();
  return rows.map(fromRow);
};

/** @returns false where the account has no such key. */
export const deleteApiKey = async (db: Kysely<Database>, username: string, id: string): Promise<boolean> => {
  const deleted = await db.deleteFrom("api_key").where("username", "=", username).where("id", "=", id)
    .executeTakeFirst();
  return deleted.numDeletedRows === 1n;
};
