/** Opens the control database in a file of SQLite, or in memory for tests. */
import { DatabaseSync } from "node:sqlite";
import { dirname } from "@std/path";
import { Kysely, SqliteDialect } from "kysely";
import type { ControlDatabase } from "./engine.ts";
import { migrate } from "./migrations/mod.ts";
import type { Database } from "./schema.ts";
import { cachingDatabase } from "./sqlite_driver.ts";
import { type Durability, noDurability, openWalSync } from "./wal_sync.ts";

export const IN_MEMORY = ":memory:";

/** Pages (of 4 KiB) in the log before SQLite copies them into the database: a copy stops the event loop, so not often. */
const CHECKPOINT_PAGES = 4000;
/** How long to wait for another process that holds the write lock, such as a backup. */
const BUSY_TIMEOUT_MS = 5000;
/** Page cache, in KiB. */
const CACHE_KIB = 65_536;

const open = (path: string): DatabaseSync => {
  const database = new DatabaseSync(path);
  database.exec(`
    pragma journal_mode = wal;
    pragma synchronous = normal;
    pragma wal_autocheckpoint = ${CHECKPOINT_PAGES};
    pragma busy_timeout = ${BUSY_TIMEOUT_MS};
    pragma cache_size = -${CACHE_KIB};
    pragma foreign_keys = on;
  `);
  return database;
};

/**
 * What a statement would have to undo (pages as they were, of those that it changes) stays in memory: beyond 64 KiB it
 * goes to a temporary file otherwise, and with batches of messages nearly half of all writes were to that one. Not
 * before the migrations, which sort whole tables for new indexes.
 */
const keepUndoInMemory = (database: DatabaseSync): void => database.exec("pragma temp_store = memory");

/** The directory entries of a database and of its log must survive a power loss too. */
const syncDirectory = async (path: string): Promise<void> => {
  using directory = await Deno.open(dirname(path), { read: true });
  await directory.sync();
};

/**
 * Opens (and makes, where there is none) the database at `path`, or `IN_MEMORY`.
 *
 * @throws Error of the file system or of SQLite.
 */
export const openSqlite = async (path: string): Promise<ControlDatabase> => {
  const connection = open(path);
  const db = new Kysely<Database>({ dialect: new SqliteDialect({ database: cachingDatabase(connection) }) });
  let durability: Durability = noDurability;
  try {
    await migrate(db);
    keepUndoInMemory(connection);
    if (path !== IN_MEMORY) {
      durability = await openWalSync(path);
      await durability.sync();
      await syncDirectory(path);
    }
  } catch (error) {
    await durability[Symbol.asyncDispose]();
    await db.destroy();
    throw error;
  }
  return {
    db,
    sync: () => durability.sync(),
    async [Symbol.asyncDispose]() {
      await durability[Symbol.asyncDispose]();
      await db.destroy();
    },
  };
};
