/**
 * One of the operator's jobs at one shard: goes through the queue, finds what is meant, and does it or tells it.
 *
 * It takes messages as delivery does, so the two never have the same one: what is in delivery is waited for, and so is
 * what the disk does not give or take. All that it does is recorded like any outcome. What was accepted after the order
 * is not meant, so a job that is begun anew after a crash does what is left of it and nothing else. Memory is bounded,
 * and mail goes on beside it.
 */
import type { QueuedMessageFacts, QueueJob, QueueProgress } from "../../api/client.ts";
import type { QueueEntry } from "../spool/entries.ts";
import type { SeenMessage, Spool } from "../spool/spool.ts";
import type { Outcome, QueuedMessage } from "../spool/types.ts";
import { outcomeOfAction } from "./actions.ts";
import { entryOf, listed } from "./message_facts.ts";
import { meantByEnvelope, meantOf, needsEnvelope } from "./selection.ts";
import { Summary } from "./summary.ts";

export interface JobParts {
  readonly spool: Pick<Spool, "count" | "entries" | "peek" | "claim" | "record" | "giveBack">;
  /** Due messages are to be tried, whatever was learnt of their destinations. */
  readonly retryDestinations: () => void;
  readonly suspended: () => NonNullable<QueueProgress["summary"]>["suspended"];
  /** The record of a return to the sender. */
  readonly returned: (message: QueuedMessage, places: readonly number[], reason: string | null) => Promise<Outcome>;
  /** Epoch ms. */
  readonly now: () => number;
  readonly newId: () => string;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Messages worked on at the same time: enough to share the log's writes, few beside the thousands in memory. */
const AT_ONCE = 64;
/** What could not be had is asked for again after this, and given up after so many times: two minutes in all. */
const AGAIN_PAUSE_MS = 500;
const AGAIN_TIMES = 240;
/** Where so many could not be had, something is wrong with the shard, and the job ends. */
const MAX_AGAIN = 10_000;
/** Recipients in one record: with their replies it stays far below what a segment of the log can hold. */
const RECIPIENTS_IN_RECORD = 100;
/** Characters of what went wrong. */
const MAX_TROUBLE = 500;

export class Job {
  readonly #job: QueueJob;
  readonly #parts: JobParts;
  /** By this shard's clock. */
  readonly #orderedAt: number;
  readonly #calledOff = new AbortController();
  readonly #summary: Summary;
  #list: QueueEntry[] = [];
  /** Ids of those that are meant and could not be had. */
  #again: string[] = [];
  #progress: QueueProgress;
  /** Resolves when it has ended, was called off, or failed; never rejects. */
  readonly finished: Promise<void>;

  constructor(job: QueueJob, parts: JobParts) {
    this.#job = job;
    this.#parts = parts;
    this.#orderedAt = parts.now() - job.orderedAgoMs;
    this.#summary = new Summary(parts.now());
    this.#progress = {
      job: job.id,
      ...{ seen: 0, total: parts.spool.count(), done: 0, busy: 0 },
      ...{ ended: false, trouble: null, summary: null, list: null },
    };
    this.finished = this.#run().catch((error) => this.#inTrouble(error)).finally(() => this.#say({ ended: true }));
  }

  get isQuestion(): boolean {
    return isQuestionOf(this.#job);
  }

  get progress(): QueueProgress {
    return this.#progress;
  }

  /** What was done stays done. */
  callOff(): void {
    this.#calledOff.abort();
  }

  async #run(): Promise<void> {
    const { work } = this.#job;
    // Before the first of them is due: it is a probe.
    if (work === "retry") this.#parts.retryDestinations();
    for await (const page of this.#pages()) {
      if (this.#isOver) return;
      await forAll(page, (entry) => this.#visit(entry));
      this.#say({ seen: this.#progress.seen + page.length });
      if (this.#again.length > MAX_AGAIN) {
        throw new Error(this.#progress.trouble ?? "too many messages could not be had");
      }
    }
    await this.#tryAgain();
    if (work === "summary") this.#say({ summary: { ...this.#summary.result(), suspended: this.#parts.suspended() } });
    else if (work === "list") await this.#tellList();
  }

  /** Those that are named, or all that there are. */
  async *#pages(): AsyncGenerator<QueueEntry[]> {
    const { ids } = this.#job.select;
    const { spool } = this.#parts;
    if (ids === undefined) return yield* spool.entries();
    this.#say({ total: ids.length });
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const seen = await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => spool.peek(id)));
      yield seen.flatMap((message) => message === undefined ? [] : [entryOf(message)]);
    }
    this.#say({ total: this.#progress.seen });
  }

  async #visit(entry: QueueEntry): Promise<void> {
    const { work, select } = this.#job;
    if (entry.damaged && work === "summary") this.#summary.addDamaged();
    let places = this.#meant(entry);
    if (places.length > 0 && needsEnvelope(select)) {
      const message = await this.#parts.spool.peek(entry.id);
      const named = message === undefined ? [] : meantByEnvelope(select, message);
      places = places.filter((place) => named.includes(place));
    }
    if (places.length === 0) return;
    if (work === "summary") this.#summary.add(entry, places);
    else if (work === "list") this.#keep(entry);
    else await this.#act(entry.id);
  }

  #meant(entry: QueueEntry): number[] {
    return meantOf(this.#job.work, this.#job.select, entry, this.#orderedAt);
  }

  /** Only the oldest are kept. */
  #keep(entry: QueueEntry): void {
    const { limit } = this.#job;
    this.#list.push(entry);
    if (this.#list.length > 2 * limit) this.#list = oldest(this.#list, limit);
  }

  async #act(id: string): Promise<void> {
    const { spool } = this.#parts;
    const message = await spool.claim(id);
    if (message === undefined) return; // it has ended meanwhile
    if (message === "taken") return this.#later(id);
    try {
      // It may stand otherwise by now.
      const named = meantByEnvelope(this.#job.select, message);
      const places = this.#meant(entryOf(message)).filter((place) => named.includes(place));
      for (let at = 0; at < places.length; at += RECIPIENTS_IN_RECORD) {
        await spool.record(await this.#outcome(message, places.slice(at, at + RECIPIENTS_IN_RECORD)));
      }
      if (places.length > 0) this.#say({ done: this.#progress.done + 1 });
    } catch (error) {
      this.#inTrouble(error);
      this.#later(id);
    } finally {
      spool.giveBack(id);
    }
  }

  async #outcome(message: QueuedMessage, places: readonly number[]): Promise<Outcome> {
    const { work, reason } = this.#job;
    const { returned, now, newId } = this.#parts;
    switch (work) {
      case "bounce":
        return await returned(message, places, reason);
      case "retry":
      case "hold":
      case "release":
      case "delete":
        return outcomeOfAction(work, message, places, { now: now(), newId, reason });
      case "summary":
      case "list":
        throw new TypeError(`${work} changes nothing`);
    }
  }

  #later(id: string): void {
    this.#again.push(id);
    this.#say({ busy: this.#again.length });
  }

  /** What was in delivery comes back, or ends; what the disk did not take it may take now. */
  async #tryAgain(): Promise<void> {
    for (let times = 0; this.#again.length > 0 && times < AGAIN_TIMES && !this.#isOver; times++) {
      await this.#parts.sleep(AGAIN_PAUSE_MS);
      const ids = this.#again;
      this.#again = [];
      await forAll(ids, (id) => this.#act(id));
      this.#say({ busy: this.#again.length });
    }
    if (this.#again.length === 0) this.#say({ trouble: null }); // it is over
  }

  async #tellList(): Promise<void> {
    const { spool } = this.#parts;
    const messages: SeenMessage[] = [];
    for (const { id } of oldest(this.#list, this.#job.limit)) {
      const message = await spool.peek(id);
      if (message !== undefined) messages.push(message);
    }
    const list: readonly QueuedMessageFacts[] = listed(messages, this.#job.select.ids !== undefined);
    this.#say({ list, done: list.length });
  }

  #inTrouble(error: unknown): void {
    this.#say({ trouble: (error instanceof Error ? error.message : String(error)).slice(0, MAX_TROUBLE) });
  }

  get #isOver(): boolean {
    return this.#calledOff.signal.aborted;
  }

  #say(news: Partial<QueueProgress>): void {
    this.#progress = { ...this.#progress, ...news };
  }
}

/** Whether it changes nothing. */
export function isQuestionOf({ work }: Pick<QueueJob, "work">): boolean {
  return work === "summary" || work === "list";
}

/** Does it to some at a time; where one fails, those beside it end first. */
async function forAll<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += AT_ONCE) {
    const some = items.slice(at, at + AT_ONCE).map(work);
    await Promise.allSettled(some);
    await Promise.all(some);
  }
}

function oldest(entries: readonly QueueEntry[], count: number): QueueEntry[] {
  return entries.toSorted((one, other) => one.receivedAt - other.receivedAt || (one.id < other.id ? -1 : 1))
    .slice(0, count);
}
