/**
 * One of the operator's jobs at one shard: goes through the queue, finds what is meant, and does it or tells it.
 *
 * It takes messages as delivery does, so the two never have the same one: what is in delivery is waited for. All that
 * it does is recorded like any outcome, and doing it once more changes nothing, so a job that a crash cuts off is begun
 * anew. Memory is bounded, and mail goes on beside it.
 */
import type { QueuedMessageFacts, QueueJob, QueueProgress } from "../../api/client.ts";
import type { QueueEntry } from "../spool/entries.ts";
import { indexFacts } from "../spool/index_row.ts";
import { hasEnded } from "../spool/recipient_states.ts";
import type { SeenMessage, Spool } from "../spool/spool.ts";
import type { Outcome, QueuedMessage } from "../spool/types.ts";
import { outcomeOfAction } from "./actions.ts";
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
/** What is in delivery is asked for again after this, and given up after so many times: two minutes in all. */
const BUSY_PAUSE_MS = 500;
const BUSY_TRIES = 240;
/** Recipients of one message in a list of many; one that is asked for by its id has them all. */
const MAX_LISTED_RECIPIENTS = 10;
/** Characters of a server's words in a list. */
const MAX_REPLY = 500;

export class Job {
  readonly #job: QueueJob;
  readonly #parts: JobParts;
  readonly #calledOff = new AbortController();
  readonly #summary: Summary;
  #list: QueueEntry[] = [];
  #busy: QueueEntry[] = [];
  #progress: QueueProgress;
  /** Resolves when it has ended, was called off, or failed; never rejects. */
  readonly finished: Promise<void>;

  constructor(job: QueueJob, parts: JobParts) {
    this.#job = job;
    this.#parts = parts;
    this.#summary = new Summary(parts.now());
    this.#progress = {
      job: job.id,
      ...{ seen: 0, total: parts.spool.count(), done: 0, busy: 0 },
      ...{ ended: false, trouble: null, summary: null, list: null },
    };
    this.finished = this.#run().catch((error) => {
      this.#say({ trouble: error instanceof Error ? error.message : String(error) });
    }).finally(() => this.#say({ ended: true }));
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
      for (let at = 0; at < page.length; at += AT_ONCE) {
        await allOf(page.slice(at, at + AT_ONCE).map((entry) => this.#visit(entry)));
      }
      this.#say({ seen: this.#progress.seen + page.length });
    }
    await this.#finishBusy();
    if (work === "summary") this.#say({ summary: { ...this.#summary.result(), suspended: this.#parts.suspended() } });
    else if (work === "list") this.#say({ list: await this.#listed() });
  }

  /** Those that are named, or all that there are. */
  async *#pages(): AsyncGenerator<QueueEntry[]> {
    const { ids } = this.#job.select;
    if (ids === undefined) return yield* this.#parts.spool.entries();
    const seen = await Promise.all(ids.map((id) => this.#parts.spool.peek(id)));
    const found = seen.flatMap((message) => message === undefined ? [] : [entryOf(message)]);
    this.#say({ total: found.length });
    yield found;
  }

  async #visit(entry: QueueEntry): Promise<void> {
    const { work, select } = this.#job;
    let places = meantOf(work, select, entry);
    if (places.length > 0 && needsEnvelope(select)) {
      const message = await this.#parts.spool.peek(entry.id);
      const named = message === undefined ? [] : meantByEnvelope(select, message);
      places = places.filter((place) => named.includes(place));
    }
    if (places.length === 0) return;
    if (work === "summary") this.#summary.add(entry, places);
    else if (work === "list") this.#keep(entry);
    else await this.#act(entry);
  }

  /** The oldest are kept; */
  #keep(entry: QueueEntry): void {
    const { limit } = this.#job;
    this.#list.push(entry);
    if (this.#list.length > 2 * limit) this.#list = oldest(this.#list, limit);
  }

  async #act(entry: QueueEntry): Promise<void> {
    const { spool } = this.#parts;
    const message = await spool.claim(entry.id);
    if (message === undefined) return; // it has ended meanwhile
    if (message === "taken") {
      this.#busy.push(entry);
      return this.#say({ busy: this.#busy.length });
    }
    try {
      // It may stand otherwise by now.
      const places = this.#places(message);
      if (places.length === 0) return;
      await spool.record(await this.#outcome(message, places));
      this.#say({ done: this.#progress.done + 1 });
    } finally {
      spool.giveBack(entry.id);
    }
  }

  #places(message: QueuedMessage): number[] {
    const { work, select } = this.#job;
    const named = meantByEnvelope(select, message);
    return meantOf(work, select, entryOf(message)).filter((place) => named.includes(place));
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

  /** What was in delivery comes back, or ends. */
  async #finishBusy(): Promise<void> {
    for (let tries = 0; this.#busy.length > 0 && tries < BUSY_TRIES && !this.#isOver; tries++) {
      await this.#parts.sleep(BUSY_PAUSE_MS);
      const again = this.#busy;
      this.#busy = [];
      await allOf(again.map((entry) => this.#act(entry)));
      this.#say({ busy: this.#busy.length });
    }
  }

  async #listed(): Promise<QueuedMessageFacts[]> {
    const { spool } = this.#parts;
    const chosen = oldest(this.#list, this.#job.limit);
    const messages = await Promise.all(chosen.map(({ id }) => spool.peek(id)));
    const most = this.#job.select.ids === undefined ? MAX_LISTED_RECIPIENTS : Infinity;
    const list = messages.flatMap((message) => message === undefined ? [] : [factsOf(message, most)]);
    this.#say({ done: list.length });
    return list;
  }

  get #isOver(): boolean {
    return this.#calledOff.signal.aborted;
  }

  #say(news: Partial<QueueProgress>): void {
    this.#progress = { ...this.#progress, ...news };
  }
}

/** Resolves when all have ended, or then rejects as the first one did. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}

function entryOf({ envelope, recipients }: Pick<SeenMessage, "envelope" | "recipients">): QueueEntry {
  return { ...indexFacts(envelope), recipients };
}

function oldest(entries: readonly QueueEntry[], count: number): QueueEntry[] {
  return entries.toSorted((one, other) => one.receivedAt - other.receivedAt || (one.id < other.id ? -1 : 1))
    .slice(0, count);
}

/** @param most recipients, those first of which something is still to come. */
function factsOf({ envelope, recipients, taken }: SeenMessage, most: number): QueuedMessageFacts {
  const { id, account, reversePath: sender, receivedAt, sizeBytes } = envelope;
  const all = recipients.map(({ status, attempts, dueAt, lastReply }, place) => ({
    address: envelope.recipients[place]!,
    status,
    attempts,
    nextAttemptAt: status === "queued" ? dueAt : null,
    lastReply: lastReply?.slice(0, MAX_REPLY) ?? null,
  }));
  const open = all.filter(({ status }) => !hasEnded(status)), ended = all.filter(({ status }) => hasEnded(status));
  return {
    ...{ id, account, sender, receivedAt, sizeBytes },
    inDelivery: taken,
    recipients: [...open, ...ended].slice(0, most),
  };
}
