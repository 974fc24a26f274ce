/**
 * The migrations in their order. Forward only: what has been released is never edited, a change is a new one.
 */
import { type Kysely, sql } from "kysely";
import { DEFAULT_MIGRATION_TABLE, Migrator } from "kysely/migration";
import type { Database } from "../schema.ts";
import { DatabaseUnusable } from "../trouble.ts";
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
import { notices } from "./0012_notices.ts";
import { nodesOfSharedToken } from "./0013_nodes_of_shared_token.ts";

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
  "0012_notices": notices,
  "0013_nodes_of_shared_token": nodesOfSharedToken,
};

/**
 * Brings the schema up to date. Of several processes that do so at once, one does it and the others wait.
 *
 * @throws {DatabaseUnusable} a newer version of this program was here; or what a migration threw. On SQLite, those
 * before it stand.
 */
export const migrate = async (db: Kysely<Database>): Promise<void> => {
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
  const { error } = await migrator.migrateToLatest();
  if (error === undefined) return;
  const newer = await findNewer(db);
  if (newer === undefined) throw error;
  throw new DatabaseUnusable(`a newer version of this program has been here (${newer}): run that one, or a later one`);
};

/** A migration that this version does not know. */
const findNewer = async (db: Kysely<Database>): Promise<string | undefined> => {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === DEFAULT_MIGRATION_TABLE)) return undefined;
  const executed = await sql<{ name: string }>`select name from ${sql.table(DEFAULT_MIGRATION_TABLE)} order by name`
    .execute(db);
  return unknownMigration(executed.rows.map(({ name }) => name));
};

/** The first of these that this version does not know. */
export const unknownMigration = (names: readonly string[]): string | undefined =>
  names.find((name) => !Object.hasOwn(migrations, name));
