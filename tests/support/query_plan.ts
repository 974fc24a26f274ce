/** How SQLite goes about a query, a line for each step. */
import { type CompiledQuery, type Kysely, sql } from "kysely";

export async function planOf<Tables>(
  db: Kysely<Tables>,
  query: { compile(): CompiledQuery },
): Promise<string[]> {
  const { sql: text, parameters } = query.compile();
  const statement = sql.join(
    text.split("?").flatMap((part, n) => n === 0 ? [sql.raw(part)] : [sql`${parameters[n - 1]}`, sql.raw(part)]),
    sql.raw(""),
  );
  const { rows } = await sql<{ detail: string }>`explain query plan ${statement}`.execute(db);
  return rows.map(({ detail }) => detail);
}
