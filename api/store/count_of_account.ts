/** Rows that an account may make itself: so many and no more. */
import type { Kysely, Transaction } from "kysely";
import { exclusively } from "./dialect.ts";
import type { Database } from "./schema.ts";

type Table = "api_key" | "app_password" | "domain";

/**
 * Runs `insert` if the account has fewer than `most` rows in the table. One transaction, so that of two racers for the
 * last place one gets it.
 *
 * @returns what `insert` did; "full" where it was not run.
 */
export const whileRoom = <Inserted>(
  db: Kysely<Database>,
  table: Table,
  { username, most }: { readonly username: string; readonly most: number },
  insert: (transaction: Transaction<Database>) => Promise<Inserted>,
): Promise<Inserted | "full"> =>
  exclusively(db, [`${table} ${username}`], async (transaction) => {
    const count = await countOfAccount(transaction, table, username);
    return count < most ? await insert(transaction) : "full";
  });

const countOfAccount = async (db: Kysely<Database>, table: Table, username: string): Promise<number> => {
  const { count } = await db.selectFrom(table).select((row) => row.fn.countAll<number>().as("count"))
    .where("username", "=", username).executeTakeFirstOrThrow();
  return Number(count);
};
