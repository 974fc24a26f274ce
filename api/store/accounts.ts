/** Table `account`: who may use the service. The username is the key everywhere and never changes. */
import type { Kysely } from "kysely";
import { remembered } from "./remembered.ts";
import type { AccountRow, Database } from "./schema.ts";

/** What is shown of an account; the password's hash leaves the store for verification only. */
export type Account = Omit<AccountRow, "password_hash">;

const SHOWN = [
  ...["username", "email", "status", "created_at", "ndr_choice", "ndr_share_percent", "brake_released_until"] as const,
  ...["notice_mail", "version"] as const,
];

/** @returns false where the username is taken; the primary key decides between racers. */
export const insertAccount = async (db: Kysely<Database>, row: AccountRow): Promise<boolean> => {
  const inserted = await db.insertInto("account").values(row)
    .onConflict((conflict) => conflict.doNothing()).executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
};

export const findAccount = (db: Kysely<Database>, username: string): Promise<Account | undefined> =>
  db.selectFrom("account").select(SHOWN).where("username", "=", username).executeTakeFirst();

/** Those of `usernames` that exist. */
export const findAccounts: (db: Kysely<Database>, usernames: readonly string[]) => Promise<Account[]> = remembered(
  (db, usernames: readonly string[]) => db.selectFrom("account").select(SHOWN).where("username", "in", usernames),
);

/** At most `limit` accounts behind `after`, in the order of their names. */
export const listAccounts = (db: Kysely<Database>, after: string, limit: number): Promise<Account[]> =>
  db.selectFrom("account").select(SHOWN).where("username", ">", after).orderBy("username").limit(limit).execute();

export const findPasswordHash = async (db: Kysely<Database>, username: string): Promise<string | undefined> => {
  const row = await db.selectFrom("account").select("password_hash").where("username", "=", username)
    .executeTakeFirst();
  return row?.password_hash;
};

/** What may be changed of an account. */
export type AccountChange = Partial<
  Pick<
    AccountRow,
    "email" | "status" | "ndr_choice" | "ndr_share_percent" | "brake_released_until" | "notice_mail" | "password_hash"
  >
>;

/**
 * Changes an account, in one statement.
 *
 * @param versions the ones that are to be changed; undefined: whichever it is.
 * @returns the account as it is now, or undefined where there is none, or not in one of these versions.
 */
export const changeAccount = (
  db: Kysely<Database>,
  username: string,
  change: AccountChange,
  versions?: readonly number[],
): Promise<Account | undefined> => {
  let query = db.updateTable("account").set((row) => ({ ...change, version: row("version", "+", 1) }))
    .where("username", "=", username);
  if (versions !== undefined) query = query.where("version", "in", [...versions]);
  return query.returning(SHOWN).executeTakeFirst();
};
