/** Table `app_password`: an account's further passwords for SMTP, of which only the hash is kept. */
import type { Kysely } from "kysely";
import type { AppPasswordRow, Database } from "./schema.ts";

/** What is shown of one. */
export type AppPassword = Omit<AppPasswordRow, "password_hash">;

const SHOWN = ["id", "username", "label", "created_at", "last_used_at", "last_used_from"] as const;

export const insertAppPassword = async (db: Kysely<Database>, row: AppPasswordRow): Promise<void> => {
  await db.insertInto("app_password").values(row).execute();
};

/** The account's one of that hash, if it was not revoked. */
export const findAppPassword = (
  db: Kysely<Database>,
  username: string,
  passwordHash: string,
): Promise<AppPassword | undefined> =>
  db.selectFrom("app_password").select(SHOWN).where("username", "=", username)
    .where("password_hash", "=", passwordHash).executeTakeFirst();

/** @param from the client's address. */
export const markAppPasswordUsed = async (
  db: Kysely<Database>,
  id: string,
  at: number,
  from: string,
): Promise<void> => {
  await db.updateTable("app_password").set({ last_used_at: at, last_used_from: from }).where("id", "=", id).execute();
};

/** At most `limit` of an account behind the id `after`, the oldest first. */
export const listAppPasswords = (
  db: Kysely<Database>,
  username: string,
  after: string,
  limit: number,
): Promise<AppPassword[]> =>
  db.selectFrom("app_password").select(SHOWN).where("username", "=", username).where("id", ">", after)
    .orderBy("id").limit(limit).execute();

/** @returns false where the account has no such password. */
export const deleteAppPassword = async (db: Kysely<Database>, username: string, id: string): Promise<boolean> => {
  const deleted = await db.deleteFrom("app_password").where("username", "=", username).where("id", "=", id)
    .executeTakeFirst();
  return deleted.numDeletedRows === 1n;
};
