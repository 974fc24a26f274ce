/**
 * Gives back to the disk what the index no longer needs after a long queue: SQLite keeps the pages of rows that are gone.
 *
 * In small steps, between which the thread is the others'. A step is a transaction like any other, so a crash between
 * two leaves a whole index, and trouble leaves it as large as it was.
 */
import type { IndexStore } from "./index_store.ts";

/** So much is left for rows to come, in pages of 4 KiB: a queue of some 40,000. */
const KEPT_PAGES = 4096;
/** Pages of one step: a few milliseconds of the thread. */
const STEP_PAGES = 128;
const PAUSE_MS = 20;

export class IndexTrimming {
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(private readonly index: Pick<IndexStore, "freePages" | "giveBackPages">) {}

  /** Begins, unless it is on its way; resolves when no more than enough is free. @throws what SQLite throws. */
  run(): Promise<void> {
    return this.#running ??= this.#trim().finally(() => this.#running = undefined);
  }

  /** Ends behind the present step. */
  close(): void {
    this.#closed = true;
  }

  async #trim(): Promise<void> {
    while (!this.#closed && this.index.freePages > KEPT_PAGES) {
      this.index.giveBackPages(STEP_PAGES);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
