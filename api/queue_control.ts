/**
 * What the operator wants done with queued mail: an order becomes a job with a part for each node that is there, nodes
 * fetch theirs and tell how far they are, and the parts together are the answer. All of it is in the database, so any
 * instance may be asked.
 */
import type { Kysely } from "kysely";
import { mergedLists, mergedSummaries } from "./queue_answer.ts";
import type {
  QueuedMessageFacts,
  QueueInstructions,
  QueueOrder,
  QueueProgress,
  QueueReport,
  QueueSummary,
} from "./queue_wire.ts";
import { deleteNode, deleteNodesBefore, findNode, listNodes, putNode } from "./store/nodes.ts";
import {
  deleteQueueJobsBefore,
  findQueueJob,
  insertQueueJob,
  listJobParts,
  openJobsOf,
  putJobProgress,
} from "./store/queue_jobs.ts";
import type { Database, QueueJobRow } from "./store/schema.ts";

export interface QueueControl {
  readonly db: Kysely<Database>;
  /** Epoch ms. */
  readonly now: () => number;
  readonly newId: () => string;
}

/** Nodes report every second: one that is silent for so long is not there. */
export const NODE_SILENT_MS = 15_000;
/** While nothing changes but the time, it is stored so often. */
const SEEN_EVERY_MS = 5000;
/** Jobs are kept for so long, and nodes that are never heard of again. */
const KEEP_MS = 7 * 86_400_000;

export type PartState = "waiting" | "working" | "done" | "failed" | "silent";

export interface JobPart {
  readonly node: string;
  readonly state: PartState;
  readonly progress: QueueProgress | null;
}

/** A job with all that is known of it. */
export interface JobAnswer {
  readonly id: string;
  readonly at: number;
  readonly order: QueueOrder;
  /** "working" while a node that is there has not ended its part. */
  readonly state: "working" | "done" | "called-off";
  readonly parts: readonly JobPart[];
  readonly summary: QueueSummary | null;
  readonly messages: readonly QueuedMessageFacts[] | null;
}

/** Has it done by all nodes that are there. @returns the job's id. */
export async function orderJob({ db, now, newId }: QueueControl, order: QueueOrder): Promise<string> {
  const at = now(), id = newId();
  await db.transaction().execute(async (transaction) => {
    await deleteQueueJobsBefore(transaction, at - KEEP_MS);
    await deleteNodesBefore(transaction, at - KEEP_MS);
    const nodes = await listNodes(transaction, at - NODE_SILENT_MS);
    const row = { id, at, order: JSON.stringify(order), called_off_at: null };
    await insertQueueJob(transaction, row, nodes.map(({ node }) => node));
  });
  return id;
}

/** A node has reported. */
export async function takeReport({ db, now }: QueueControl, report: QueueReport): Promise<QueueInstructions> {
  const { node, progress, gone } = report;
  for (const each of progress) await putJobProgress(db, node, each, now());
  if (gone) {
    await deleteNode(db, node);
    return { draining: false, jobs: [] };
  }
  const known = await findNode(db, node);
  const { region, number, queued } = report;
  const row = { node, region, number, queued, draining: report.draining ? 1 : 0, seen_at: now() };
  const changed = known === undefined || known.queued !== queued || known.draining !== row.draining ||
    known.region !== region || known.number !== number || row.seen_at - known.seen_at > SEEN_EVERY_MS;
  if (changed) await putNode(db, row);
  const jobs = (await openJobsOf(db, node)).map((job) => ({ id: job.id, ...orderOf(job) }));
  return { draining: known?.drain_wanted === 1, jobs };
}

/** Jobs with what came of them so far. */
export async function answers({ db, now }: QueueControl, jobs: readonly QueueJobRow[]): Promise<JobAnswer[]> {
  const parts = Map.groupBy(await listJobParts(db, jobs.map(({ id }) => id)), ({ job }) => job);
  return jobs.map((job) => {
    const shown = (parts.get(job.id) ?? []).map(({ node, progress: json, seen_at }): JobPart => {
      const progress = json === null ? null : JSON.parse(json) as QueueProgress;
      return { node, progress, state: stateOf(progress, (seen_at ?? 0) < now() - NODE_SILENT_MS) };
    });
    const order = orderOf(job);
    const progress = shown.flatMap((part) => part.progress ?? []);
    const working = shown.some(({ state }) => state === "waiting" || state === "working");
    return {
      id: job.id,
      at: job.at,
      order,
      state: job.called_off_at !== null ? "called-off" : working ? "working" : "done",
      parts: shown,
      summary: order.work === "summary" ? mergedSummaries(progress.flatMap(({ summary }) => summary ?? [])) : null,
      messages: order.work === "list" ? mergedLists(progress.flatMap(({ list }) => list ?? []), order.limit) : null,
    };
  });
}

/** undefined where there is no such job. */
export async function answerOf(control: QueueControl, id: string): Promise<JobAnswer | undefined> {
  const job = await findQueueJob(control.db, id);
  return job && (await answers(control, [job]))[0];
}

function stateOf(progress: QueueProgress | null, silent: boolean): PartState {
  if (progress?.ended) return progress.trouble === null ? "done" : "failed";
  if (silent) return "silent";
  return progress === null ? "waiting" : "working";
}

function orderOf({ order }: QueueJobRow): QueueOrder {
  return JSON.parse(order) as QueueOrder;
}
