/** Table `usage`: what each account used of a day. It changes only in the transaction that changes a reservation. */
import { type Kysely, sql, type Transaction } from "kysely";
import type { Database } from "./schema.ts";

/** Used relays of `day`, for those of `usernames` that used any. */
export const findUsed = async (
  db: Kysely<Database>,
  usernames: readonly string[],
  day: string,
): Promise<Map<string, number>> => {
  const rows = await db.selectFrom("usage").select(["username", "used"])
    .where("username", "in", usernames).where("day", "=", day).execute();
  return new Map(rows.map((row) => [row.username, row.used]));
};

/** Adds `relays` (which may be negative, for a refund) to what `username` used of `day`. */
export interface UsageChange {
  readonly username: string;
  readonly day: string;
  readonly relays: number;
}

const sumByAccountAndDay = (changes: readonly UsageChange[]): UsageChange[] => {
  const sums = new Map<string, UsageChange>();
  for (const { username, day, relays } of changes) {
    const key = `${day} ${username}`;
    sums.set(key, { username, day, relays: relays + (sums.get(key)?.relays ?? 0) });
  }
  return [...sums.values()];
};

export const changeUsage = async (db: Transaction<Database>, changes: readonly UsageChange[]): Promise<void> => {
  if (changes.length === 0) return;
  const rows = sumByAccountAndDay(changes).map(({ username, day, relays }) => ({ username, day, used: relays }));
  await db.insertInto("usage").values(rows)
    .onConflict((conflict) =>
      conflict.columns(["username", "day"]).doUpdateSet({ used: sql`usage.used + excluded.used` })
    ).execute();
};
