/** Tables `queue_job` and `queue_job_part`: what the operator wants done with queued mail, and how far each node is. */
import type { Kysely, Transaction } from "kysely";
import type { Database, QueueJobPartRow, QueueJobRow } from "./schema.ts";

export const insertQueueJob = async (
  db: Transaction<Database>,
  row: QueueJobRow,
  nodes: readonly string[],
): Promise<void> => {
  await db.insertInto("queue_job").values(row).execute();
  const parts = nodes.map((node): QueueJobPartRow => ({
    job: row.id,
    node,
    progress: null,
    answer: null,
    ended_at: null,
  }));
  if (parts.length > 0) await db.insertInto("queue_job_part").values(parts).execute();
};

export const findQueueJob = (db: Kysely<Database>, id: string): Promise<QueueJobRow | undefined> =>
  db.selectFrom("queue_job").selectAll().where("id", "=", id).executeTakeFirst();

/** At most `limit` jobs before this id, the newest first. */
export const listQueueJobs = (
  db: Kysely<Database>,
  before: string | undefined,
  limit: number,
): Promise<QueueJobRow[]> => {
  let query = db.selectFrom("queue_job").selectAll();
  if (before !== undefined) query = query.where("id", "<", before);
  return query.orderBy("id", "desc").limit(limit).execute();
};

/** Each with when its node was heard of last; null: the node is no more. */
export const listJobParts = (
  db: Kysely<Database>,
  jobs: readonly string[],
): Promise<(QueueJobPartRow & { seen_at: number | null })[]> =>
  jobs.length === 0 ? Promise.resolve([]) : db.selectFrom("queue_job_part").selectAll("queue_job_part")
    .leftJoin("node", "node.node", "queue_job_part.node").select("node.seen_at")
    .where("job", "in", jobs).orderBy("queue_job_part.node").execute();

/** What a node still has to do, the oldest first. */
export const openJobsOf = (db: Kysely<Database>, node: string): Promise<QueueJobRow[]> =>
  db.selectFrom("queue_job").selectAll("queue_job")
    .innerJoin("queue_job_part", "queue_job_part.job", "queue_job.id")
    .where("queue_job_part.node", "=", node).where("queue_job_part.ended_at", "is", null)
    .where("called_off_at", "is", null).orderBy("queue_job.id").execute();

/** What the nodes answered to a job. */
export const listAnswers = async (db: Kysely<Database>, job: string): Promise<string[]> => {
  const rows = await db.selectFrom("queue_job_part").select("answer").where("job", "=", job).orderBy("node").execute();
  return rows.flatMap(({ answer }) => answer ?? []);
};

/** One that has ended stays as it is: an answer that got lost is told again. */
export const putJobProgress = async (
  db: Kysely<Database>,
  { job, node, ...news }: QueueJobPartRow,
): Promise<void> => {
  await db.updateTable("queue_job_part").set(news).where("job", "=", job).where("node", "=", node)
    .where("ended_at", "is", null).execute();
};

/** Called off is what has not ended. @returns false where there is no such job. */
export const callOffQueueJob = async (db: Kysely<Database>, id: string, at: number): Promise<boolean> => {
  const updated = await db.updateTable("queue_job")
    .set((row) => ({
      called_off_at: row.case().when(
        row.exists(
          row.selectFrom("queue_job_part").select("job").where("job", "=", id).where("ended_at", "is", null),
        ),
      ).then(row.fn.coalesce("called_off_at", row.val(at))).else(row.ref("called_off_at")).end(),
    })).where("id", "=", id).executeTakeFirst();
  return updated.numUpdatedRows === 1n;
};

/** Deletes those ordered before, with their parts; all, or those of some works. */
export const deleteQueueJobsBefore = async (
  db: Kysely<Database>,
  at: number,
  works?: readonly string[],
): Promise<void> => {
  let query = db.deleteFrom("queue_job").where("at", "<", at);
  if (works !== undefined) query = query.where("work", "in", works);
  await query.execute();
};
