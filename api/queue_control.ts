/**
 * What the operator wants done with queued mail: an order becomes a job with a part for each node, nodes fetch theirs
 * and tell how far they are, and the parts together are the answer. A node that is away finds its part when it is back.
 * All of it is in the database, so any instance may be asked.
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
  QueueWork,
} from "./queue_wire.ts";
import { exclusively } from "./store/dialect.ts";
import { deleteNode, deleteNodesBefore, findNode, listNodes, putNode } from "./store/nodes.ts";
import {
  deleteQueueJobsBefore,
  findQueueJob,
  insertQueueJob,
  listAnswers,
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
/** While nothing changes but the time and what changes all the time (load, leases), it is stored so often. */
const SEEN_EVERY_MS = 5000;
/** Jobs are kept for so long, and nodes that are never heard of again. */
export const KEEP_MS = 7 * 86_400_000;
/** What was asked is of no use to anybody later, and answers are large. */
const KEEP_QUESTIONS_MS = 3_600_000;
const QUESTIONS: readonly QueueWork[] = ["summary", "list"];

/** Whether a work changes nothing. */
export const isQuestion = (work: QueueWork): boolean => QUESTIONS.includes(work);

export type PartState = "waiting" | "working" | "done" | "failed" | "silent" | "gone";

/** How far a node is, without its answer. */
type PartProgress = Omit<QueueProgress, "summary" | "list">;
type PartAnswer = Pick<QueueProgress, "summary" | "list">;

export interface JobPart {
  readonly node: string;
  readonly state: PartState;
  readonly progress: PartProgress | null;
}

/** A job, and how far it is. */
export interface JobState {
  readonly id: string;
  readonly at: number;
  readonly order: QueueOrder;
  /** "working" while a node that is there has not ended its part. */
  readonly state: "working" | "done" | "called-off";
  readonly parts: readonly JobPart[];
}

/** A job with all that is known of it. */
export interface JobAnswer extends JobState {
  readonly summary: QueueSummary | null;
  readonly messages: readonly QueuedMessageFacts[] | null;
}

/** Has it done by all nodes, now or when they are back. @returns the job's id. */
export async function orderJob({ db, now, newId }: QueueControl, order: QueueOrder): Promise<string> {
  const at = now(), id = newId();
  await exclusively(db, [], async (transaction) => {
    await deleteQueueJobsBefore(transaction, at - KEEP_MS);
    await deleteQueueJobsBefore(transaction, at - KEEP_QUESTIONS_MS, QUESTIONS);
    await deleteNodesBefore(transaction, at - KEEP_MS);
    const nodes = await listNodes(transaction, at - KEEP_MS);
    const row = { id, at, work: order.work, order: JSON.stringify(order), called_off_at: null };
    await insertQueueJob(transaction, row, nodes.map(({ node }) => node));
  });
  return id;
}

/** A node has reported. */
export async function takeReport({ db, now }: QueueControl, report: QueueReport): Promise<QueueInstructions> {
  const { node, progress, gone } = report;
  const at = now();
  for (const { summary, list, ...each } of progress) {
    await putJobProgress(db, {
      ...{ job: each.job, node, progress: JSON.stringify(each), ended_at: each.ended ? at : null },
      answer: each.ended ? JSON.stringify({ summary, list } satisfies PartAnswer) : null,
    });
  }
  if (gone) {
    await deleteNode(db, node);
    return { now: now(), draining: false, jobs: [] };
  }
  const known = await findNode(db, node);
  const { region, number, version, queued, clock, load, leases } = report;
  const draining = report.draining ? 1 : 0, apart = clock?.apart ? 1 : 0;
  const clocks = { clock_ahead_ms: clock?.aheadMs ?? null, clocks_apart: apart };
  const figures = {
    connections: load.connections,
    in_delivery: load.inDelivery,
    accepted_per_minute: load.acceptedPerMinute,
    loop_delay_ms: load.loopDelayMs,
    leases_held: leases.held,
    leases_accounts: leases.accounts,
    leases_relays_left: leases.relaysLeft,
  };
  const row = { node, region, number, version, queued, draining, ...clocks, ...figures, seen_at: at };
  const changed = known === undefined || known.queued !== queued || known.draining !== draining ||
    known.region !== region || known.number !== number || known.version !== version ||
    (known.clock_ahead_ms === null) !== (clock === null) || known.clocks_apart !== apart ||
    at - known.seen_at > SEEN_EVERY_MS;
  if (changed) await putNode(db, row);
  const jobs = (await openJobsOf(db, node)).map((job) => (
    { id: job.id, orderedAgoMs: Math.max(0, at - job.at), ...orderOf(job) }
  ));
  return { now: now(), draining: known?.drain_wanted === 1, jobs };
}

/** Jobs, and how far they are. */
export async function jobStates({ db, now }: QueueControl, jobs: readonly QueueJobRow[]): Promise<JobState[]> {
  const parts = Map.groupBy(await listJobParts(db, jobs.map(({ id }) => id)), ({ job }) => job);
  return jobs.map((job) => {
    const shown = (parts.get(job.id) ?? []).map(({ node, progress: json, seen_at }): JobPart => {
      const progress = json === null ? null : JSON.parse(json) as PartProgress;
      return { node, progress, state: stateOf(progress, seen_at, now()) };
    });
    const working = shown.some(({ state }) => state === "waiting" || state === "working");
    return {
      id: job.id,
      at: job.at,
      order: orderOf(job),
      state: job.called_off_at !== null ? "called-off" : working ? "working" : "done",
      parts: shown,
    };
  });
}

/** A job with its answer; undefined where there is no such job. */
export async function answerOf(control: QueueControl, id: string): Promise<JobAnswer | undefined> {
  const job = await findQueueJob(control.db, id);
  if (job === undefined) return undefined;
  const [state] = await jobStates(control, [job]);
  const answers = (await listAnswers(control.db, id)).map((json) => JSON.parse(json) as PartAnswer);
  const { work, limit } = state!.order;
  return {
    ...state!,
    summary: work === "summary" ? mergedSummaries(answers.flatMap(({ summary }) => summary ?? [])) : null,
    messages: work === "list" ? mergedLists(answers.flatMap(({ list }) => list ?? []), limit) : null,
  };
}

/** @param seenAt when the node was heard of last; null: it is no more. */
function stateOf(progress: PartProgress | null, seenAt: number | null, now: number): PartState {
  if (progress?.ended) return progress.trouble === null ? "done" : "failed";
  if (seenAt === null) return "gone";
  if (seenAt < now - NODE_SILENT_MS) return "silent";
  return progress === null ? "waiting" : "working";
}

function orderOf({ order }: QueueJobRow): QueueOrder {
  return JSON.parse(order) as QueueOrder;
}
