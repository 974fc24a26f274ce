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
/** How long to gather what makes no full batch: history may be this late, and a batch is cheaper than many calls. */
const GATHER_MS = 20;
/** Wait after the control plane did not take a batch; doubled up to the maximum. */
const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 15_000;

export class Outbox {
  readonly #index: IndexStore;
  readonly #deliver: Deliver;
  readonly #clock: OutboxClock;
  readonly #onTrouble: (error: unknown) => void;
  readonly #closing = new AbortController();
  /** Newer than all in the index. */
  #memory: OutboxItem[];
  /** The part of `#memory` that is being handed over now: its first items. */
  #inFlight = 0;
  #inIndex: boolean;
  #running: Promise<void> | undefined;
  #idle: { promise: Promise<void>; resolve: () => void } | undefined;

  constructor(index: IndexStore, deliver: Deliver, clock: OutboxClock, onTrouble: (error: unknown) => void) {
    this.#index = index;
    this.#deliver = deliver;
    this.#clock = clock;
    this.#onTrouble = onTrouble;
    this.#memory = [];
    this.#inIndex = index.outbox(1).items.length > 0;
    if (this.#inIndex) this.#start();
  }

  push(item: OutboxItem): void {
    this.#memory.push(item);
    if (this.#memory.length > MAX_IN_MEMORY && this.#inFlight === 0) this.#index.transaction(() => this.persist());
    this.#start();
  }

  /**
   * Writes what is in memory to the index, inside the caller's transaction: called when the checkpoint is about to
   * pass the records the items came from. What is in flight is written too, and handed over once more.
   */
  persist(): void {
    if (this.#memory.length === 0) return;
    this.#index.putOutbox(this.#memory);
    this.#memory = [];
    this.#inFlight = 0;
    this.#inIndex = true;
  }

  /** Resolves when all that was pushed so far, or found at start, was handed over. */
  drained(): Promise<void> {
    if (this.#running === undefined) return Promise.resolve();
    this.#idle ??= Promise.withResolvers<void>();
    return this.#idle.promise;
  }

  /** Stops; what was not handed over stays in log and index. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  #start(): void {
    if (this.#running !== undefined || this.#closing.signal.aborted) return;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted && (this.#inIndex || this.#memory.length > 0)) {
      if (!this.#inIndex && this.#memory.length < MAX_BATCH) await this.#clock.sleep(GATHER_MS, signal);
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
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  async #handOverFromIndex(): Promise<void> {
    const { items, upTo } = this.#index.outbox(MAX_BATCH);
    if (items.length > 0) {
      await this.#deliver(items);
      this.#index.deleteOutbox(upTo);
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
}
