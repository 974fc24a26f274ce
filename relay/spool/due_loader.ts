/**
 * Brings due messages from the index into memory, oldest first and a bounded number at a time.
 *
 * A message that cannot be read now is tried again later; a damaged one is reported, and not looked for again before
 * the next start, which reports it anew. The rest goes on.
 */
import { checkFile } from "./content.ts";
import { SpoolDamaged } from "./errors.ts";
import type { Found } from "./held.ts";
import type { IndexRow, IndexStore } from "./index_store.ts";
import { readAt } from "./log.ts";
import { storedMessage } from "./record.ts";
import type { Segments } from "./segments.ts";
import type { Turns } from "./turns.ts";

export interface DueLoaderParts {
  readonly segments: Segments;
  readonly index: IndexStore;
  /** Shared with compaction, which must not move what is being loaded. */
  readonly turns: Turns;
  readonly largePath: (messageId: string) => string;
  readonly hasRoom: () => boolean;
  /** Takes over a message whose row says that it is in hand now. */
  readonly hold: (found: Found) => void;
  /** Hears that something was taken over, and that there may be more. */
  readonly onProgress: () => void;
  readonly onDamage: (messageId: string, damage: SpoolDamaged) => void;
  readonly onTrouble: (error: unknown) => void;
}

/** Rows that are loaded in one go. */
const LOAD_BATCH = 128;
/** When the disk did not give something, or not take it, it is tried again after this: it needs time. */
const RETRY_AFTER_FAILURE_MS = 60_000;

export class DueLoader {
  readonly #parts: DueLoaderParts;
  #running: Promise<void> | undefined;
  /** Epoch ms: nothing is looked for before. */
  #notBefore = -Infinity;
  #closed = false;

  constructor(parts: DueLoaderParts) {
    this.#parts = parts;
  }

  /** Begins to load what is due, unless it does already, or there is no room. */
  start(now: number): void {
    const { index, turns, hasRoom, onTrouble, onProgress } = this.#parts;
    if (this.#closed || this.#running !== undefined || !hasRoom() || now < this.#notBefore) return;
    if ((index.nextDueAt() ?? Infinity) > now) return;
    this.#running = turns.take(() => this.#load(now)).catch((error) => {
      this.#notBefore = now + RETRY_AFTER_FAILURE_MS;
      onTrouble(error);
    }).finally(() => {
      this.#running = undefined;
      onProgress();
    });
  }

  /** When there is something to load (epoch ms); undefined where that is announced when it is there. */
  nextDueAt(): number | undefined {
    if (this.#running !== undefined || !this.#parts.hasRoom()) return undefined;
    const dueAt = this.#parts.index.nextDueAt();
    return dueAt === undefined ? undefined : Math.max(dueAt, this.#notBefore);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #load(now: number): Promise<void> {
    const { index, hasRoom, hold, onProgress } = this.#parts;
    for (const row of index.due(now, LOAD_BATCH)) {
      if (this.#closed || !hasRoom()) return;
      try {
        const found = await this.#read(row);
        index.put({ ...row, dueAt: null });
        hold(found);
      } catch (error) {
        this.#setAside(row, error, now);
      }
      onProgress();
    }
  }

  async #read({ id, location, recipients }: IndexRow): Promise<Found> {
    const { segments, largePath } = this.#parts;
    const { meta, content } = await readAt(segments, location);
    const { envelope, large } = storedMessage(meta, id);
    if (large === undefined) return { envelope, recipients, location, content, large, indexed: true };
    await checkFile(largePath(id), large);
    return { envelope, recipients, location, content: undefined, large, indexed: true };
  }

  #setAside(row: IndexRow, trouble: unknown, now: number): void {
    const { index, onDamage, onTrouble } = this.#parts;
    if (trouble instanceof SpoolDamaged) {
      index.put({ ...row, dueAt: null });
      onDamage(row.id, trouble);
    } else {
      index.put({ ...row, dueAt: now + RETRY_AFTER_FAILURE_MS });
      onTrouble(trouble);
    }
  }
}
