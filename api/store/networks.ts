/**
 * Table `network`: addresses that may relay for an account without AUTH. Networks may nest, the longest match wins;
 * the same network belongs to one account only, which the primary key keeps. Keys are those of ../cidr.ts.
 */
import type { Kysely } from "kysely";
import { remembered } from "./remembered.ts";
import type { Database, NetworkRow } from "./schema.ts";

/** @returns false where some account has that very network. */
export const insertNetwork = async (db: Kysely<Database>, row: NetworkRow): Promise<boolean> => {
  const inserted = await db.insertInto("network").values(row)
    .onConflict((conflict) => conflict.doNothing()).executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
};

/** At most `limit` networks of an account behind the key `after`, in the order of their keys. */
export const listNetworks = (
  db: Kysely<Database>,
  username: string,
  after: string,
  limit: number,
): Promise<NetworkRow[]> =>
  db.selectFrom("network").selectAll().where("username", "=", username).where("range_key", ">", after)
    .orderBy("range_key").limit(limit).execute();

/** @returns false where the account has no such network. */
export const deleteNetwork = async (db: Kysely<Database>, username: string, key: string): Promise<boolean> => {
  const deleted = await db.deleteFrom("network").where("username", "=", username).where("range_key", "=", key)
    .executeTakeFirst();
  return deleted.numDeletedRows === 1n;
};

const findOwners = remembered((db, keys: readonly string[]) =>
  db.selectFrom("network").select(["range_key", "username"]).where("range_key", "in", keys)
);

/** The account of the first of `keys` (longest prefix first) that anybody has, or undefined. */
export const findNetworkOwner = async (db: Kysely<Database>, keys: readonly string[]): Promise<string | undefined> => {
  const rows = await findOwners(db, keys);
  const owners = new Map(rows.map((row) => [row.range_key, row.username]));
  const longest = keys.find((key) => owners.has(key));
  return longest === undefined ? undefined : owners.get(longest);
};
