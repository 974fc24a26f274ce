/**
 * node:sqlite in the shape that Kysely's SqliteDialect wants, with prepared statements kept.
 *
 * Kysely prepares for every call; here a statement is prepared once for its text (a small query then takes 2.3 µs
 * instead of 11.5). It does not pool: the dialect serialises everything on one connection.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import type { SqliteDatabase, SqliteStatement } from "kysely";

/** Statement texts kept: those of the fixed queries, and of batches by their size. The oldest leaves first. */
const MAX_STATEMENTS = 1000;

/** Values as the store passes them: text, numbers and null only. */
const values = (parameters: readonly unknown[]) => parameters as SQLInputValue[];

const statement = (prepared: StatementSync): SqliteStatement => ({
  // A statement that yields columns is read, RETURNING included.
  reader: prepared.columns().length > 0,
  all: (parameters) => prepared.all(...values(parameters)),
  run: (parameters) => prepared.run(...values(parameters)),
  iterate: (parameters) => prepared.iterate(...values(parameters)) as IterableIterator<unknown>,
});

/** Wraps an open database; closing the result closes it. */
export const cachingDatabase = (database: DatabaseSync): SqliteDatabase => {
  const statements = new Map<string, SqliteStatement>();
  return {
    prepare(sql) {
      const known = statements.get(sql);
      if (known !== undefined) return known;
      // A transaction that reads before it writes could otherwise fail half-way with SQLITE_BUSY_SNAPSHOT.
      const fresh = statement(database.prepare(sql === "begin" ? "begin immediate" : sql));
      statements.set(sql, fresh);
      if (statements.size > MAX_STATEMENTS) {
        const oldest = statements.keys().next().value;
        if (oldest !== undefined) statements.delete(oldest);
      }
      return fresh;
    },
    close() {
      statements.clear();
      database.close();
    },
  };
};
