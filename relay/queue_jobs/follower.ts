/**
 * Keeps a shard in touch with the operator: says every second how its queue and its jobs stand, and hears what is to be
 * done. While the control plane is away, what was begun goes on, and is told later.
 */
import type { QueueJob, QueueProgress, QueueReport } from "../../api/client.ts";
import type { ControlPlane } from "../control_plane.ts";
import type { ClockWatch } from "../clock_watch.ts";
import { startPeriodicWork } from "../periodic_work.ts";
import { isQuestionOf, Job, type JobParts } from "./job.ts";

export interface QueueFollowerOptions extends JobParts {
  readonly controlPlane: Pick<ControlPlane, "queue">;
  readonly region: string;
  /** Of the program. */
  readonly version: string;
  /** Hears the control plane's time. */
  readonly clock: Pick<ClockWatch, "comparison" | "heard">;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  /** Of the node among those of its process; null: a shard without a node. */
  readonly number: number | null;
  /** Hears whether new clients are to be let in, whenever that changes. */
  readonly onDraining: (draining: boolean) => void;
  /** Whether no new clients are let in now. */
  readonly isDraining: () => boolean;
  /** How much there is to do. */
  readonly load: () => Pick<QueueReport, "load" | "leases">;
  readonly onTrouble: (error: unknown) => void;
  readonly onNews: (message: string, facts: Record<string, unknown>) => void;
}

/** An order is heard of within this. */
export const FOLLOW_MS = 1000;
/** Questions answered at the same time; they do not wait for a long piece of work. */
const MAX_QUESTIONS = 4;

export class QueueFollower implements AsyncDisposable {
  readonly #options: QueueFollowerOptions;
  readonly #jobs = new Map<string, Job>();
  /** What the operator wants, as it was heard last. */
  #drain = false;
  readonly #heard = Promise.withResolvers<void>();
  readonly #following: AsyncDisposable;

  constructor(options: QueueFollowerOptions) {
    this.#options = options;
    const work = () => this.#exchange(false).finally(() => this.#heard.resolve());
    this.#following = startPeriodicWork({ work, everyMs: FOLLOW_MS, onTrouble: options.onTrouble });
  }

  /** Resolves when the control plane was asked for the first time, whether it answered or not. */
  get heard(): Promise<void> {
    return this.#heard.promise;
  }

  /** The shard is empty and will be removed: it is not to be waited for any more. */
  async sayGone(): Promise<void> {
    await this.#following[Symbol.asyncDispose]();
    try {
      await this.#exchange(true);
    } catch (error) {
      this.#options.onTrouble(error); // it will be taken for a node that is silent
    }
  }

  /** Ends; jobs on their way are called off here, and begun anew at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#following[Symbol.asyncDispose]();
    for (const job of this.#jobs.values()) job.callOff();
    await Promise.all([...this.#jobs.values()].map(({ finished }) => finished));
  }

  async #exchange(gone: boolean): Promise<void> {
    const { region, version, clock, number, spool, isDraining, load } = this.#options;
    const progress = [...this.#jobs.values()].map((job) => job.progress);
    const facts = { region, version, number, gone, queued: spool.count(), draining: isDraining() };
    const report = { ...facts, ...load(), clock: clock.comparison };
    // An answer that is refused for what it says would be refused for ever.
    const { jobs, draining } = await this.#tell({ ...report, progress }) ??
      await this.#tell({ ...report, progress: progress.map(withoutAnswer) }) ?? refused();
    for (const { job, ended, done, trouble } of progress) {
      if (!ended) continue;
      this.#jobs.delete(job);
      this.#options.onNews("the operator's job has ended", { job, done, trouble });
    }
    this.#setDraining(draining);
    this.#takeUp(jobs);
  }

  async #tell(report: Parameters<ControlPlane["queue"]>[0]): ReturnType<ControlPlane["queue"]> {
    const { controlPlane, clock, monotonic } = this.#options;
    const askedAt = monotonic();
    const instructions = await controlPlane.queue(report);
    if (instructions !== null) clock.heard(instructions.now, monotonic() - askedAt);
    return instructions;
  }

  #takeUp(wanted: readonly QueueJob[]): void {
    for (const [id, job] of this.#jobs) {
      // One that has ended was told of, or will be.
      if (!job.progress.ended && !wanted.some((other) => other.id === id)) this.#callOff(id, job);
    }
    for (const job of wanted) {
      if (this.#jobs.has(job.id) || !this.#hasRoomFor(job)) continue;
      this.#options.onNews("the operator's job begins", { job: job.id, work: job.work, select: job.select });
      this.#jobs.set(job.id, new Job(job, this.#options));
    }
  }

  /** What changes something goes one after another, in the order of the orders: the last word counts. */
  #hasRoomFor(job: QueueJob): boolean {
    const beside = [...this.#jobs.values()].filter(({ isQuestion }) => isQuestion === isQuestionOf(job));
    return beside.length < (isQuestionOf(job) ? MAX_QUESTIONS : 1);
  }

  #callOff(id: string, job: Job): void {
    this.#options.onNews("the operator's job was called off", { job: id });
    job.callOff();
  }

  #setDraining(drain: boolean): void {
    if (drain === this.#drain) return;
    this.#drain = drain;
    this.#options.onNews(drain ? "no more clients are let in" : "clients are let in again", {});
    this.#options.onDraining(drain);
  }
}

/** What holds goes on to hold. */
function refused(): never {
  throw new Error("the control plane cannot make sense of the report");
}

function withoutAnswer(progress: QueueProgress): QueueProgress {
  if (progress.summary === null && progress.list === null && progress.trouble === null) return progress;
  return { ...progress, summary: null, list: null, trouble: "the control plane refused the answer" };
}
