/**
 * The migrations in their order. Forward only: what has been released is never edited, a change is a new one.
 */
import type { Kysely } from "kysely";
import { Migrator } from "kysely/migration";
import type { Database } from "../schema.ts";
import { accounts } from "./0001_accounts.ts";
import { counters } from "./0002_counters.ts";
import { history } from "./0003_history.ts";
import { domains } from "./0004_domains.ts";
import { policy } from "./0005_policy.ts";
import { activity } from "./0006_activity.ts";
import { dkim } from "./0007_dkim.ts";
import { suppressions } from "./0008_suppressions.ts";
import { queue } from "./0010_queue.ts";
import { identity } from "./0011_identity.ts";

const migrations = {
  "0001_accounts": accounts,
  "0002_counters": counters,
  "0003_history": history,
  "0004_domains": domains,
  "0005_policy": policy,
  "0006_activity": activity,
  "0007_dkim": dkim,
  "0008_suppressions": suppressions,
  "0010_queue": queue,
  "0011_identity": identity,
};

/**
 * Brings the schema up to date.
 *
 * @throws what the failed migration threw; those before it stand.
 */
export const migrate = async (db: Kysely<Database>): Promise<void> => {
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
};
