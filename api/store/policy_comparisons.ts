/**
 * Table `policy_comparison`: how often a shadow would have decided in which way, next to what was decided. What it
 * agreed on stands under the stage "" with both reasons 0; what was not compared for lack of time, with a `would` of 1.
 */
import { type Kysely, sql, type Transaction } from "kysely";
import type { ShadowReport } from "../wire.ts";
import type { Database, PolicyComparisonRow } from "./schema.ts";

const TOTALS = { stage: "", was: 0 };
const COMPARED = 0, LEFT = 1;

export const addComparisons = async (
  db: Kysely<Database> | Transaction<Database>,
  { module, compared, left, differences }: ShadowReport,
): Promise<void> => {
  // The totals first: whoever counts for the same module waits at them, in whatever order the differences come.
  const rows: PolicyComparisonRow[] = [
    { module, ...TOTALS, would: COMPARED, count: compared },
    { module, ...TOTALS, would: LEFT, count: left },
    ...differences.map(({ stage, was, would, count }) => ({ module, stage, was, would, count })),
  ].filter(({ count }) => count > 0);
  if (rows.length === 0) return;
  await db.insertInto("policy_comparison").values(rows)
    .onConflict((conflict) =>
      conflict.columns(["module", "stage", "was", "would"])
        .doUpdateSet({ count: sql`policy_comparison.count + excluded.count` })
    ).execute();
};

/** All that was compared with `module`, the most frequent difference first. */
export const findComparisons = async (db: Kysely<Database>, module: string): Promise<ShadowReport> => {
  const rows = await db.selectFrom("policy_comparison").selectAll().where("module", "=", module)
    .orderBy("count", "desc").orderBy("stage").orderBy("was").orderBy("would").execute();
  const total = (would: number) => rows.find((row) => row.stage === TOTALS.stage && row.would === would)?.count ?? 0;
  return {
    module,
    compared: total(COMPARED),
    left: total(LEFT),
    differences: rows.filter(({ stage }) => stage !== TOTALS.stage)
      .map(({ stage, was, would, count }) => ({
        stage: stage as ShadowReport["differences"][number]["stage"],
        was,
        would,
        count,
      })),
  };
};

/** Forgets what was compared with `module`: it is to be counted anew. */
export const deleteComparisons = async (db: Kysely<Database>, module: string): Promise<void> => {
  await db.deleteFrom("policy_comparison").where("module", "=", module).execute();
};
