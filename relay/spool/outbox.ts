/**
 * What the control plane has to hear of: settlements and events, in the order in which they became durable.
 *
 * Guarantees: each item is handed over at least once. It comes from a record of the log, so after a crash it is found
 * again by the log's replay, or, where a checkpoint has passed its record, in the index. Memory is bounded: what the
 * control plane does not take in time waits in the index.
 */
import type { IndexStore, OutboxItem } from "./index_store.ts";

/** Takes items over; resolves when they are durable on the other side. */
export type Deliver = (items: readonly OutboxItem[]) => Promise<void>;

export interface OutboxClock {
  /** Resolves after so many ms, or at once when `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Items handed over in one call: large enough to share a transaction and its sync, small enough not to stall it. */
const MAX_BATCH = 256;
/** Items kept in memory; beyond, the oldest go to the index. At about 1 KiB each this is some MiB. */
const MAX_IN_MEMORY = 4096;
/** Where the index does not take them, memory has to: up to so many the spool goes on accepting. */
const MAX_WITHOUT_INDEX = 4 * MAX_IN_MEMORY;
/** How long to gather what makes no full batch: history may be this late, and a batch is cheaper than many calls. */
const GATHER_MS = 20;
/** The same while there is always more to tell: an event in a call of 128 costs less than half of one in a call of 16. */
const BUSY_GATHER_MS = 200;
/** Wait after the control plane did not take a batch; doubled up to the maximum. */
const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 15_000;

/** Somebody waits until the index has nothing up to `upTo`. */
interface Drain {
  readonly upTo: number;
  readonly resolve: (drained: boolean) => void;
}

export class Outbox {
  readonly #index: IndexStore;
  readonly #deliver: Deliver;
  readonly #clock: OutboxClock;
  readonly #onTrouble: (error: unknown) => void;
  readonly #closing = new AbortController();
  /** Newer than all in the index. */
  #memory: OutboxItem[] = [];
  /** The part of `#memory` that is being handed over now: its first items. */
  #inFlight = 0;
  #inIndex: boolean;
  /** How many items in memory are too many; more after the index did not take them. */
  #tooMany = MAX_IN_MEMORY;
  #running: Promise<void> | undefined;
  readonly #drains = new Set<Drain>();
  /** Aborts to end the gathering before its time. */
  #gathered = new AbortController();

  constructor(index: IndexStore, deliver: Deliver, clock: OutboxClock, onTrouble: (error: unknown) => void) {
    this.#index = index;
    this.#deliver = deliver;
    this.#clock = clock;
    this.#onTrouble = onTrouble;
    this.#inIndex = index.outbox(1).items.length > 0;
    if (this.#inIndex) this.#start();
  }

  /** Whether so much waits in memory, because the index does not take it, that there should be no more. */
  get full(): boolean {
    return this.#memory.length >= MAX_WITHOUT_INDEX;
  }

  /** Never throws: what is pushed is durable already. */
  push(item: OutboxItem): void {
    this.#memory.push(item);
    // Once, not with each item behind it: to abort again does nothing, but makes an exception each time.
    if (this.#memory.length === MAX_BATCH) this.#gathered.abort();
    if (this.#memory.length > this.#tooMany) this.#makeRoom();
    this.#start();
  }

  /**
   * Writes what is in memory to the index, inside the caller's transaction: called when the checkpoint is about to
   * pass the records the items came from. What is in flight is written too, and handed over once more.
   */
  persist(): void {
    this.#index.putOutbox(this.#memory);
  }

  /** The transaction of `persist` was committed: memory need not keep the items. To be called in the same turn. */
  persisted(): void {
    this.#tooMany = MAX_IN_MEMORY;
    if (this.#memory.length === 0) return;
    this.#memory = [];
    this.#inFlight = 0;
    this.#inIndex = true;
  }

  /**
   * Resolves when all that was pushed so far, or found at start, was handed over: to true, or to false if the outbox
   * was closed before. What is pushed meanwhile does not count.
   */
  async drained(): Promise<boolean> {
    this.#index.transaction(() => this.persist());
    this.persisted();
    this.#gathered.abort();
    if (!this.#inIndex) return true;
    if (this.#closing.signal.aborted) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#drains.add({ upTo: this.#index.lastInOutbox(), resolve });
    return await promise;
  }

  /** Stops; what was not handed over stays in log and index. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
    for (const { resolve } of this.#drains) resolve(false);
  }

  #makeRoom(): void {
    try {
      this.#index.transaction(() => this.persist());
      this.persisted();
    } catch (error) {
      this.#tooMany = this.#memory.length + MAX_IN_MEMORY;
      this.#onTrouble(error);
    }
  }

  #start(): void {
    if (this.#running !== undefined || this.#closing.signal.aborted) return;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let retryMs = FIRST_RETRY_MS, gatherMs = GATHER_MS;
    while (!signal.aborted && (this.#inIndex || this.#memory.length > 0)) {
      if (!this.#inIndex && this.#memory.length < MAX_BATCH) await this.#gather(gatherMs);
      gatherMs = BUSY_GATHER_MS;
      try {
        await (this.#inIndex ? this.#handOverFromIndex() : this.#handOverFromMemory());
        retryMs = FIRST_RETRY_MS;
      } catch (error) {
        this.#inFlight = 0;
        this.#onTrouble(error);
        await this.#clock.sleep(retryMs, signal);
        retryMs = Math.min(2 * retryMs, MAX_RETRY_MS);
      }
    }
    this.#running = undefined;
  }

  async #gather(ms: number): Promise<void> {
    this.#gathered = new AbortController();
    await this.#clock.sleep(ms, AbortSignal.any([this.#closing.signal, this.#gathered.signal]));
  }

  async #handOverFromIndex(): Promise<void> {
    const { items, upTo } = this.#index.outbox(MAX_BATCH);
    if (items.length > 0) {
      await this.#deliver(items);
      this.#index.deleteOutbox(upTo);
      this.#passed(upTo);
    }
    this.#inIndex = items.length === MAX_BATCH || this.#index.outbox(1).items.length > 0;
  }

  async #handOverFromMemory(): Promise<void> {
    const batch = this.#memory.slice(0, MAX_BATCH);
    this.#inFlight = batch.length;
    await this.#deliver(batch);
    // A checkpoint meanwhile moved them to the index, from where they go once more.
    if (this.#inFlight > 0) this.#memory.splice(0, batch.length);
    this.#inFlight = 0;
  }

  #passed(upTo: number): void {
    for (const drain of this.#drains) {
      if (drain.upTo > upTo) continue;
      this.#drains.delete(drain);
      drain.resolve(true);
    }
  }
}
