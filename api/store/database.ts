/**
 * The control database, on either engine.
 *
 * Guarantees the newest schema. Commits are atomic at once and durable after `sync()`.
 */
import type { ControlDatabase } from "./engine.ts";
import { openPostgres, type Waiting } from "./postgres.ts";
import type { PostgresServer } from "./postgres_pool.ts";
import { openSqlite } from "./sqlite.ts";

export type { ControlDatabase } from "./engine.ts";
export type { PostgresServer } from "./postgres_pool.ts";
export { IN_MEMORY } from "./sqlite.ts";

/** A file of SQLite, made where there is none; ":memory:"; or a PostgreSQL server. */
export type DatabaseLocation = string | PostgresServer;

/** @throws {DatabaseUnusable}, or Error of the file system or of SQLite. */
export const openDatabase = (location: DatabaseLocation, waiting?: Waiting): Promise<ControlDatabase> =>
  typeof location === "string" ? openSqlite(location) : openPostgres(location, waiting);
