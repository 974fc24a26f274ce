/**
 * Rows of one table that go in together, for the tables that every message writes to.
 *
 * On SQLite, Kysely's builder makes a tree of nodes for each value and a text from it, and SQLite parses a text anew for
 * each number of rows: a quarter of what a call with 128 events cost. Here a text is made once for each of a few sizes,
 * and its statement stays prepared.
 *
 * PostgreSQL may be on another continent, and each statement waits for the way there and back: there, all rows go in one.
 */
import { CompiledQuery, type Transaction } from "kysely";
import { MAX_ROWS } from "./chunks.ts";
import { usesPostgres } from "./dialect.ts";
import type { Database } from "./schema.ts";

/** Rows in one statement of SQLite. The largest, with 11 columns, has far fewer parameters than it takes (32,766). */
const SIZES = [64, 16, 4, 1] as const;

/** Inserts rows. @returns what was asked for, of those that were inserted or changed. */
export type InsertRows<Row, Returned> = (db: Transaction<Database>, rows: readonly Row[]) => Promise<Returned[]>;

/**
 * @param columns of the table.
 * @param ending such as "on conflict do nothing"; what it returns is `Returned`.
 */
export const rowsInto = <Table extends keyof Database, Returned = never>(
  table: Table,
  columns: readonly (keyof Database[Table] & string)[],
  ending = "",
): InsertRows<Database[Table], Returned> => {
  const names = columns.map((column) => `"${column}"`).join(", ");
  const textFor = (size: number, place: (n: number) => string): string => {
    const tuples = Array.from(
      { length: size },
      (_, row) => `(${columns.map((_, column) => place(row * columns.length + column)).join(", ")})`,
    );
    return `insert into "${table}" (${names}) values ${tuples.join(", ")} ${ending}`;
  };
  const ofSqlite = new Map(SIZES.map((size) => [size, textFor(size, () => "?")]));
  const nextOfSqlite = (left: number): [number, string] => {
    const size = SIZES.find((size) => size <= left)!;
    return [size, ofSqlite.get(size)!];
  };
  const nextOfPostgres = (left: number): [number, string] => {
    const size = Math.min(left, MAX_ROWS);
    return [size, textFor(size, (n) => `$${n + 1}`)];
  };
  return async (db, rows) => {
    const next = usesPostgres(db) ? nextOfPostgres : nextOfSqlite;
    const returned: Returned[] = [];
    for (let at = 0; at < rows.length;) {
      const [size, text] = next(rows.length - at);
      const parameters: unknown[] = [];
      for (const row of rows.slice(at, at + size)) for (const column of columns) parameters.push(row[column]);
      returned.push(...(await db.executeQuery<Returned>(CompiledQuery.raw(text, parameters))).rows);
      at += size;
    }
    return returned;
  };
};
