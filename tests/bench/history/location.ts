/** Where the bench's database is: one of its own, or one that is kept. */
import { join } from "@std/path";
import { type Kysely, sql } from "kysely";
import type { DatabaseLocation } from "../../../api/store/database.ts";
import type { Database } from "../../../api/store/schema.ts";
import { databaseUrl } from "../../../relay/database_url.ts";
import { startPostgres } from "../../support/postgres.ts";
import { isPostgres } from "../../support/query_plan.ts";

export interface BenchLocation extends AsyncDisposable {
  readonly location: DatabaseLocation;
  readonly words: string;
}

/** @param where "sqlite" or "postgres": one of its own, removed at the end; otherwise a file or URL that stays. */
export async function benchLocation(where: string): Promise<BenchLocation> {
  if (where === "postgres") {
    const server = await startPostgres({ durable: true });
    const { location } = await server.newDatabase("empty");
    return { location, words: "PostgreSQL", [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  }
  const nothing = () => Promise.resolve();
  const server = databaseUrl.parse(where);
  if (server !== undefined) return { location: server, words: "PostgreSQL", [Symbol.asyncDispose]: nothing };
  if (where !== "sqlite") return { location: where, words: "SQLite", [Symbol.asyncDispose]: nothing };
  const directory = await Deno.makeTempDir({ prefix: "mailhop-history-" });
  return {
    location: join(directory, "control.db"),
    words: "SQLite",
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

/** Octets. */
export async function sizeOf(db: Kysely<Database>): Promise<number> {
  const question = isPostgres(db)
    ? sql<{ octets: number }>`select pg_database_size(current_database()) as octets`
    : sql<{ octets: number }>`select page_count * page_size as octets from pragma_page_count, pragma_page_size`;
  return (await question.execute(db)).rows[0]!.octets;
}
