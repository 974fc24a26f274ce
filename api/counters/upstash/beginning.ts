/**
 * How the counters begin where Redis has none: new, or emptied in the middle of a day, which would be sold again.
 *
 * A key says that they have begun; without it nothing is granted. They begin with what the database has of the days that
 * are kept: the copy that is made every hour, or what was counted there before. So what an emptied Redis forgets for
 * good is what was granted since that copy, less what is settled afterwards.
 */
import type { Kysely } from "kysely";
import type { Database } from "../../store/schema.ts";
import { listUsed } from "../../store/usage.ts";
import { accountsKey, BEGUN_KEY, dayKey, daysKeptAt, forgottenAt } from "./keys.ts";
import type { UpstashStore } from "./store.ts";

export interface BeginningParts {
  readonly store: UpstashStore;
  readonly db: Kysely<Database>;
  readonly log: (message: string, facts: Record<string, unknown>) => void;
}

/** Accounts in one script: Redis does nothing else meanwhile. */
const BATCH = 500;

/** Begins; all that ask at the same time share it, and to do it again changes nothing. */
export const createBeginning = ({ store, db, log }: BeginningParts): () => Promise<void> => {
  const takeOver = async (day: string): Promise<number> => {
    let accounts = 0, rows = await listUsed(db, day, "", BATCH);
    while (rows.length > 0) {
      const keys = [accountsKey(day), ...rows.map(({ username }) => dayKey(username, day))];
      await store.run("begin", keys, [
        forgottenAt(day),
        ...rows.flatMap(({ username, used, ndr }) => [username, used, ndr]),
      ]);
      accounts += rows.length;
      rows = await listUsed(db, day, rows.at(-1)!.username, BATCH);
    }
    return accounts;
  };
  const begin = async (): Promise<void> => {
    let accountDays = 0;
    for (const day of daysKeptAt(await store.time())) accountDays += await takeOver(day);
    await store.set(BEGUN_KEY, new Date(await store.time()).toISOString());
    if (accountDays > 0) log("the counters were empty: they begin with what the database has", { accountDays });
  };
  let beginning: Promise<void> | undefined;
  return () => beginning ??= begin().finally(() => beginning = undefined);
};
