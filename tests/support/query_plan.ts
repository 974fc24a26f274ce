/** How the engine goes about a query, a line for each step. */
import { type CompiledQuery, type Kysely, PostgresAdapter, sql } from "kysely";

export const isPostgres = <Tables>(db: Kysely<Tables>): boolean => db.getExecutor().adapter instanceof PostgresAdapter;

export async function planOf<Tables>(
  db: Kysely<Tables>,
  query: { compile(): CompiledQuery },
): Promise<string[]> {
  const { sql: text, parameters } = query.compile();
  const statement = sql.join(
    text.split(/\?|\$\d+/).flatMap((part, n) => n === 0 ? [sql.raw(part)] : [sql`${parameters[n - 1]}`, sql.raw(part)]),
    sql.raw(""),
  );
  if (isPostgres(db)) {
    const { rows } = await sql<{ "QUERY PLAN": string }>`explain (costs off) ${statement}`.execute(db);
    return rows.map((row) => row["QUERY PLAN"]);
  }
  const { rows } = await sql<{ detail: string }>`explain query plan ${statement}`.execute(db);
  return rows.map(({ detail }) => detail);
}
