/**
 * Rows of one table that go in together, for the tables that every message writes to.
 *
 * Kysely's builder makes a tree of nodes for each value and a text from it, and SQLite parses a text anew for each number
 * of rows: a quarter of what a call with 128 events cost. Here a text is made once for each of a few sizes, and its
 * statement stays prepared.
 */
import { CompiledQuery, type Transaction } from "kysely";
import { usesPostgres } from "./dialect.ts";
import type { Database } from "./schema.ts";

/** Rows in one statement. The largest, with 11 columns, has far fewer parameters than either engine takes (32,766). */
const SIZES = [64, 16, 4, 1] as const;

/** Inserts rows. @returns the column that was asked for, of those that were inserted. */
export type InsertRows<Row> = (db: Transaction<Database>, rows: readonly Row[]) => Promise<string[]>;

/**
 * @param columns of the table.
 * @param ending such as "on conflict do nothing"; what it returns is one column, as "value".
 */
export const rowsInto = <Table extends keyof Database>(
  table: Table,
  columns: readonly (keyof Database[Table] & string)[],
  ending = "",
): InsertRows<Database[Table]> => {
  const texts = new Map<string, string>();
  const textFor = (isPostgres: boolean, size: number): string => {
    const key = `${isPostgres} ${size}`;
    const known = texts.get(key);
    if (known !== undefined) return known;
    const places = Array.from({ length: size * columns.length }, (_, n) => isPostgres ? `$${n + 1}` : "?");
    const tuples = Array.from(
      { length: size },
      (_, row) => `(${places.slice(row * columns.length, (row + 1) * columns.length).join(", ")})`,
    );
    const names = columns.map((column) => `"${column}"`).join(", ");
    const text = `insert into "${table}" (${names}) values ${tuples.join(", ")} ${ending}`;
    texts.set(key, text);
    return text;
  };
  return async (db, rows) => {
    const isPostgres = usesPostgres(db);
    const returned: string[] = [];
    for (let at = 0; at < rows.length;) {
      const size = SIZES.find((size) => at + size <= rows.length)!;
      const parameters: unknown[] = [];
      for (const row of rows.slice(at, at + size)) for (const column of columns) parameters.push(row[column]);
      const query = CompiledQuery.raw(textFor(isPostgres, size), parameters);
      for (const { value } of (await db.executeQuery<{ value: string }>(query)).rows) returned.push(value);
      at += size;
    }
    return returned;
  };
};
