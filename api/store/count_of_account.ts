/** How many rows an account has in a table whose rows it may make itself: so many and no more. */
import type { Kysely } from "kysely";
import type { Database } from "./schema.ts";

export const countOfAccount = async (
  db: Kysely<Database>,
  table: "api_key" | "app_password" | "domain",
  username: string,
): Promise<number> => {
  const { count } = await db.selectFrom(table).select((row) => row.fn.countAll<number>().as("count"))
    .where("username", "=", username).executeTakeFirstOrThrow();
  return Number(count);
};
