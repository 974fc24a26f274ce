/**
 * Connections to a PostgreSQL server, in the shape that Kysely's dialect wants.
 *
 * Guarantees: each wait ends within the stated times; a connection that has failed, or has not answered, is used for
 * nothing more; a server that comes back is used again without being told. Trouble of connection and server is thrown
 * as `DatabaseUnavailable`; what the server says of the statement itself as it is, with its SQLSTATE in `code`.
 */
import type { PostgresPool, PostgresPoolClient } from "kysely";
// @ts-types="npm:@types/pg@8.23.1"
import pg from "pg";
import { DatabaseUnavailable } from "./trouble.ts";

/** Whom to connect to, as whom. */
export interface PostgresServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** verified: the server's certificate must be good for `host`. */
  readonly tls: "none" | "unverified" | "verified";
  /** PEM file of the authorities that are believed; null: the usual ones. */
  readonly authorityFile: string | null;
}

/** Per process. PostgreSQL allows a hundred in all, unless told. */
const MAX_CONNECTIONS = 10;
/** To get a connection, be it a new one or the first that is free: a node gives the whole call up after ten seconds. */
const CONNECT_MS = 5000;
/** Of one statement, waits for locks included; the server ends it. */
const STATEMENT_MS = 5000;
/** After this the server is taken for gone: it would have ended the statement itself. */
const ANSWER_MS = STATEMENT_MS + 2000;
/** Between two statements of a transaction: if this process hangs, its locks do not. */
const IDLE_IN_TRANSACTION_MS = 10_000;
/** A connection that nobody used for so long is closed: a new one costs three round trips, and the server may be far. */
const IDLE_MS = 600_000;
/** Silence after which the system finds out whether the server is still there. */
const KEEP_ALIVE_MS = 30_000;
/** After a failover or a move, connections are on the new server within this time. */
const MAX_LIFETIME_S = 1800;

/** OIDs of int8 (and so count) and numeric (sum of int8): numbers here, for all of ours are below 2^53. */
const AS_NUMBER: ReadonlySet<number> = new Set([20, 1700]);
const types: pg.CustomTypesConfig = {
  getTypeParser: (id: number, format?: "text" | "binary") =>
    AS_NUMBER.has(id) ? Number : pg.types.getTypeParser(id, format as "text"),
};

/** The server said it of itself, not of the statement (PostgreSQL, appendix A): it may be otherwise in a moment. */
const SERVER_TROUBLE = /^(08|53|57P|57014|55P03|25006|25P03|58)/;
/** Of these, by which the connection is of no more use: closing down, and a server that may only be read since it lost its place. */
const CONNECTION_LOST = /^(08|57P|25006|25P03)/;

/** What the server's error is, in its own terms; undefined: it is not the server's. */
const sqlState = (error: unknown): string | undefined => error instanceof pg.DatabaseError ? error.code : undefined;

/** @param patient for migrations, which take their time: one connection, and no deadline for a statement. */
export const openPool = async (server: PostgresServer, patient = false): Promise<PostgresPool> => {
  const { tls, authorityFile, password, ...where } = server;
  const authority = authorityFile === null ? {} : { ca: await Deno.readTextFile(authorityFile) };
  const pool = new pg.Pool({
    ...where,
    // A function, so that no file and no variable of this machine is asked where it is empty.
    password: () => password,
    ssl: tls === "none" ? false : { rejectUnauthorized: tls === "verified", ...authority },
    application_name: "mailhop",
    max: patient ? 1 : MAX_CONNECTIONS,
    maxLifetimeSeconds: MAX_LIFETIME_S,
    connectionTimeoutMillis: CONNECT_MS,
    idleTimeoutMillis: IDLE_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    ...!patient && { statement_timeout: STATEMENT_MS, query_timeout: ANSWER_MS },
    types,
  });
  // Without listeners the loss of a connection would end the process. Whoever uses it learns of it by their statement.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return {
    options: pool.options,
    async connect() {
      try {
        return guarded(await pool.connect());
      } catch (error) {
        throw translated(error);
      }
    },
    end: () => pool.end(),
  };
};

const guarded = (client: pg.PoolClient): PostgresPoolClient => {
  let lost: unknown;
  const query = async (text: string, parameters: readonly unknown[]): Promise<pg.QueryResult> => {
    if (lost !== undefined) throw lost;
    try {
      return await client.query(text, parameters.map(storable));
    } catch (error) {
      const trouble = translated(error), state = sqlState(error);
      if (state === undefined || CONNECTION_LOST.test(state)) lost = trouble;
      throw trouble;
    }
  };
  return {
    // Its other form is for cursors, which the store does not use.
    query: query as unknown as PostgresPoolClient["query"],
    release: (discard) => client.release(discard === true || lost !== undefined),
  };
};

/** PostgreSQL's text has no NUL: it is kept as the character for what cannot be shown. */
const storable = (value: unknown): unknown =>
  typeof value === "string" && value.includes("\0") ? value.replaceAll("\0", "\ufffd") : value;

const translated = (error: unknown): unknown => {
  const state = sqlState(error);
  if (state !== undefined && !SERVER_TROUBLE.test(state)) return error;
  return new DatabaseUnavailable("the database does not answer", { cause: error });
};
