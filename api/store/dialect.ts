/**
 * Where PostgreSQL is not as SQLite is. The store is written once, in words that both understand; what only one of them
 * does stands here.
 *
 * Words: migrations say `blob` and `without rowid`, and PostgreSQL is told what it has instead. Text is compared octet
 * by octet on both, so that a list has one order whatever the server's locale is, and an index survives a change of it.
 *
 * Exclusion: on SQLite transactions exclude each other. On PostgreSQL they run beside each other, and what one has read
 * may change before it writes; so what reads before it writes names what it reads, and waits for others that named it.
 */
import {
  type BinaryOperationNode,
  ColumnDefinitionNode,
  type DataTypeNode,
  type Kysely,
  OperatorNode,
  PostgresAdapter,
  PostgresDialect,
  PostgresQueryCompiler,
  PrimitiveValueListNode,
  type RawNode,
  sql,
  type Transaction,
} from "kysely";
import type { Database } from "./schema.ts";

/** Names are spread over so many locks: a bounded share of the server's lock table, and two names rarely share one. */
const LOCKS = 1024;
/** "MHOP": tells our advisory locks from those of others in the same database. */
const LOCK_SPACE = 0x4d484f50;
/** Runs of a transaction that the server ended in favour of another one. */
const MAX_RUNS = 5;
/** serialization_failure, deadlock_detected: nothing was changed, and the same again succeeds. */
const RUN_AGAIN: ReadonlySet<unknown> = new Set(["40001", "40P01"]);

class Compiler extends PostgresQueryCompiler {
  protected override visitDataType(node: DataTypeNode): void {
    const inTable = this.parentNode !== undefined && ColumnDefinitionNode.is(this.parentNode);
    if (node.dataType === "blob") this.append("bytea");
    else if (node.dataType === "text" && inTable) this.append('text collate "C"');
    else super.visitDataType(node);
  }

  protected override visitRaw(node: RawNode): void {
    if (node.sqlFragments.join() !== "without rowid") super.visitRaw(node);
  }

  /** On SQLite nothing is in an empty list; PostgreSQL has no such list. */
  protected override visitBinaryOperation(node: BinaryOperationNode): void {
    const { operator, rightOperand } = node;
    const isEmpty = PrimitiveValueListNode.is(rightOperand) && rightOperand.values.length === 0;
    if (isEmpty) this.append(OperatorNode.is(operator) && operator.operator === "not in" ? "true" : "false");
    else super.visitBinaryOperation(node);
  }
}

export class StorePostgresDialect extends PostgresDialect {
  override createQueryCompiler(): PostgresQueryCompiler {
    return new Compiler();
  }
}

export const usesPostgres = (db: Kysely<Database>): boolean => db.getExecutor().adapter instanceof PostgresAdapter;

/**
 * Runs `work` in a transaction beside which no other runs that has one of `names`. It may run again, so it changes
 * nothing but the database; and it waits for nothing but the database, for others wait for it.
 *
 * @param names of what it reads before it writes, such as "usage anna"; none, where it only writes.
 */
export const exclusively = async <Result>(
  db: Kysely<Database>,
  names: readonly string[],
  work: (transaction: Transaction<Database>) => Promise<Result>,
): Promise<Result> => {
  for (let runs = 1;; runs++) {
    try {
      return await db.transaction().execute(async (transaction) => {
        await lock(transaction, names);
        return await work(transaction);
      });
    } catch (error) {
      if (runs === MAX_RUNS || !RUN_AGAIN.has((error as { readonly code?: unknown }).code)) throw error;
    }
  }
};

/** All at once and in one order, so that no two transactions wait for each other. The transaction's end frees them. */
const lock = async (transaction: Transaction<Database>, names: readonly string[]): Promise<void> => {
  if (names.length === 0 || !usesPostgres(transaction)) return;
  const locks = [...new Set(names.map(lockOf))].sort((one, other) => one - other);
  await sql`select pg_advisory_xact_lock(${sql.lit(LOCK_SPACE)}, n) from unnest(${locks}::int[]) as n`
    .execute(transaction);
};

/** FNV-1a of the name. */
const lockOf = (name: string): number => {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return (hash >>> 0) % LOCKS;
};
