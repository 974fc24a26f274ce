/**
 * Keeps a shard in touch with the operator: says every second how its queue and its jobs stand, and hears what is to be
 * done. While the control plane is away, what was begun goes on, and is told later.
 */
import type { QueueJob, QueueReport } from "../../api/client.ts";
import type { ControlPlane } from "../control_plane.ts";
import { Job, type JobParts } from "./job.ts";

export interface QueueFollowerOptions extends JobParts {
  readonly controlPlane: Pick<ControlPlane, "queue">;
  readonly region: string;
  /** Of the node among those of its process; null: a shard without a node. */
  readonly number: number | null;
  /** Hears whether new clients are to be let in, whenever that changes. */
  readonly onDraining: (draining: boolean) => void;
  readonly onTrouble: (error: unknown) => void;
  readonly onNews: (message: string, facts: Record<string, unknown>) => void;
}

/** An order is heard of within this. */
export const FOLLOW_MS = 1000;
/** Jobs at the same time; others wait. A question need not wait for a long piece of work. */
const MAX_AT_ONCE = 4;

export class QueueFollower implements AsyncDisposable {
  readonly #options: QueueFollowerOptions;
  readonly #jobs = new Map<string, Job>();
  #draining = false;
  #following: Promise<void> | undefined;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(options: QueueFollowerOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#follow(), FOLLOW_MS);
    this.#follow();
  }

  /** The shard is empty and will be removed: it is not to be waited for any more. */
  async sayGone(): Promise<void> {
    clearInterval(this.#timer);
    await this.#following;
    try {
      await this.#exchange(true);
    } catch (error) {
      this.#options.onTrouble(error); // it will be taken for a node that is silent
    }
  }

  /** Ends; jobs on their way are called off here, and begun anew at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#following;
    for (const job of this.#jobs.values()) job.callOff();
    await Promise.all([...this.#jobs.values()].map(({ finished }) => finished));
  }

  #follow(): void {
    this.#following ??= this.#exchange(false).catch(this.#options.onTrouble)
      .finally(() => this.#following = undefined);
  }

  async #exchange(gone: boolean): Promise<void> {
    const { controlPlane, region, number, spool } = this.#options;
    const progress = [...this.#jobs.values()].map((job) => job.progress);
    const report: Omit<QueueReport, "node"> = {
      ...{ region, number, gone, progress },
      queued: spool.count(),
      draining: this.#draining,
    };
    const { jobs, draining } = await controlPlane.queue(report);
    for (const { job, ended, done, trouble } of progress) {
      if (!ended) continue;
      this.#jobs.delete(job);
      this.#options.onNews("the operator's job has ended", { job, done, trouble });
    }
    this.#setDraining(draining);
    this.#takeUp(jobs);
  }

  #takeUp(wanted: readonly QueueJob[]): void {
    for (const [id, job] of this.#jobs) {
      // One that has ended was told of, or will be.
      if (!job.progress.ended && !wanted.some((other) => other.id === id)) this.#callOff(id, job);
    }
    for (const job of wanted) {
      if (this.#jobs.has(job.id) || this.#jobs.size >= MAX_AT_ONCE) continue;
      this.#options.onNews("the operator's job begins", { job: job.id, work: job.work, select: job.select });
      this.#jobs.set(job.id, new Job(job, this.#options));
    }
  }

  #callOff(id: string, job: Job): void {
    this.#options.onNews("the operator's job was called off", { job: id });
    job.callOff();
  }

  #setDraining(draining: boolean): void {
    if (draining === this.#draining) return;
    this.#draining = draining;
    this.#options.onNews(draining ? "no more clients are let in" : "clients are let in again", {});
    this.#options.onDraining(draining);
  }
}
