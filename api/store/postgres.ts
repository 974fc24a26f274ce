/**
 * Opens the control database on a PostgreSQL server.
 *
 * A commit is durable when it is answered, so there is nothing to sync. A start waits for a server that is not there
 * yet: after a power failure both come up together.
 */
import { delay } from "@std/async/delay.js";
import { Kysely, sql } from "kysely";
import type { ControlDatabase } from "./engine.ts";
import { StorePostgresDialect } from "./dialect.ts";
import { migrate } from "./migrations/mod.ts";
import { openPool, type PostgresServer } from "./postgres_pool.ts";
import type { Database } from "./schema.ts";
import { DatabaseUnavailable, DatabaseUnusable } from "./trouble.ts";

/** How long a start waits for the server. */
const PATIENCE_MS = 30_000;
const RETRY_MS = 500;

export interface Waiting {
  /** Told once, with the reason. */
  readonly onWait?: (server: string, why: string) => void;
  readonly patienceMs?: number;
}

const open = async (server: PostgresServer, patient = false): Promise<Kysely<Database>> =>
  new Kysely<Database>({ dialect: new StorePostgresDialect({ pool: await openPool(server, patient) }) });

/** @throws {DatabaseUnusable} it is not there in time, or not as it must be. */
export const openPostgres = async (server: PostgresServer, waiting: Waiting = {}): Promise<ControlDatabase> => {
  try {
    await prepare(server, waiting);
  } catch (error) {
    throw unusable(server, error);
  }
  const db = await open(server);
  return { db, sync: () => Promise.resolve(), [Symbol.asyncDispose]: () => db.destroy() };
};

const prepare = async (server: PostgresServer, waiting: Waiting): Promise<void> => {
  const db = await open(server, true);
  try {
    await waitFor(db, server, waiting);
    await migrate(db);
  } finally {
    await db.destroy();
  }
};

const waitFor = async (
  db: Kysely<Database>,
  server: PostgresServer,
  { onWait, patienceMs = PATIENCE_MS }: Waiting,
): Promise<void> => {
  const until = performance.now() + patienceMs;
  for (let tries = 1;; tries++) {
    try {
      const { rows } = await sql<{ encoding: string }>`select current_setting('server_encoding') as encoding`
        .execute(db);
      const encoding = rows[0]?.encoding;
      if (encoding !== "UTF8") throw new DatabaseUnusable(`its encoding is ${encoding}, which must be UTF8`);
      return;
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable) || performance.now() > until) throw error;
      if (tries === 1) onWait?.(nameOf(server), words(error));
    }
    await delay(RETRY_MS);
  }
};

const nameOf = ({ host, port, database }: PostgresServer): string =>
  `${database} at ${host.includes(":") ? `[${host}]` : host}:${port}`;

const unusable = (server: PostgresServer, error: unknown): DatabaseUnusable =>
  new DatabaseUnusable(`the database ${nameOf(server)} cannot be used: ${words(error)}`, { cause: error });

/** What is at the bottom of it. The system's errors for several addresses of a host come with none of their own. */
const words = (error: unknown): string => {
  if (error instanceof DatabaseUnavailable) return words(error.cause);
  if (error instanceof AggregateError && error.message === "") return error.errors.map(words).join(", ");
  return error instanceof Error ? error.message : String(error);
};
