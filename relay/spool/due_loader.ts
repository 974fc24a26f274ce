/**
 * Brings due messages from the index into memory, account after account, of each the oldest first, and a bounded number
 * at a time. Those that may wait stay where they are.
 *
 * A message that cannot be read now is tried again later; a damaged one is reported, and not looked for again before
 * the next start, which reports it anew. The rest goes on.
 */
import { checkFile } from "./content.ts";
import { SpoolDamaged } from "./errors.ts";
import type { Found } from "./loaded.ts";
import type { FoundRow, IndexStore } from "./index_store.ts";
import { readAt } from "./log.ts";
import { storedMessage } from "./record.ts";
import type { Segments } from "./segments.ts";
import type { Turns } from "./turns.ts";
import type { WaitsUntil } from "./types.ts";

export interface DueLoaderParts {
  readonly segments: Segments;
  readonly index: IndexStore;
  /** Shared with compaction, which must not move what is being loaded. */
  readonly turns: Turns;
  readonly largePath: (messageId: string) => string;
  readonly isLoaded: (messageId: string) => boolean;
  /** Whether there is room for a message of this account. */
  readonly hasRoom: (account: string) => boolean;
  /** Takes over a message whose row says that it is in hand now; `isDue`: it waits for its turn. */
  readonly takeOver: (found: Found, isDue: boolean) => void;
  /** Hears that something was taken over, and that there may be more. */
  readonly onProgress: () => void;
  readonly onDamage: (messageId: string, damage: SpoolDamaged) => void;
  readonly onTrouble: (error: unknown) => void;
}

/** Rows that are loaded in one go, and accounts that share them. */
const LOAD_BATCH = 128;
const LOAD_ACCOUNTS = 64;
/** Accounts looked at in one go, at two look-ups each: a millisecond or two of the thread. */
const LOOK_ACCOUNTS = 256;
/** Rows left in the index in one transaction, which is a few milliseconds of the thread as each lies on another page. */
const LEAVE_BATCH = 32;
/** After them the thread is the others' for so long: they may be very many. */
const LEFT_ALONE_PAUSE_MS = 10;
/** Where nobody had room it is looked again after this, or when something has changed: others may be due by then. */
const LOOK_AGAIN_MS = 1000;
/** When the disk did not give something, or not take it, it is tried again after this: it needs time. */
const RETRY_AFTER_FAILURE_MS = 60_000;

export class DueLoader {
  readonly #parts: DueLoaderParts;
  #running: Promise<void> | undefined;
  /** Epoch ms: nothing is looked for before. */
  #notBefore = -Infinity;
  /** The account that had its turn last. */
  #account = "";
  /** When something was looked for last (epoch ms). */
  #lookedAt = -Infinity;
  /** How often all accounts were gone through to the last one since something was found. */
  #rounds = 0;
  #closed = false;

  constructor(parts: DueLoaderParts) {
    this.#parts = parts;
  }

  /** Begins to load what is due and may not wait, unless it does already, or there is no room. */
  start(now: number, waitsUntil: WaitsUntil): void {
    const { index, turns, onTrouble, onProgress } = this.#parts;
    if (this.#closed || this.#running !== undefined) return;
    // The last look is still to come: the clock was set back, and no pause goes by what it showed before.
    if (now < this.#lookedAt) this.#lookedAt = this.#notBefore = -Infinity;
    if (now < this.#notBefore || this.#idle && now < this.#lookedAt + LOOK_AGAIN_MS) return;
    if ((index.nextDueAt() ?? Infinity) > now) return;
    if (this.#idle) this.#rounds = 0;
    this.#lookedAt = now;
    this.#running = turns.take(() => this.#load(now, waitsUntil)).catch((error) => {
      this.#notBefore = now + RETRY_AFTER_FAILURE_MS;
      onTrouble(error);
    }).finally(() => {
      this.#running = undefined;
      onProgress();
    });
  }

  /** There may be something to load now, or room for it. */
  look(): void {
    this.#rounds = 0;
  }

  /** When there is something to load (epoch ms); undefined where that is announced when it is there. */
  nextDueAt(): number | undefined {
    if (this.#running !== undefined) return undefined;
    const dueAt = this.#parts.index.nextDueAt();
    if (dueAt === undefined) return undefined;
    return Math.max(dueAt, this.#notBefore, this.#idle ? this.#lookedAt + LOOK_AGAIN_MS : -Infinity);
  }

  /**
   * Loads a certain message, due or not; it does not wait for its turn then. Resolves to whether it is there: one that
   * cannot be read now is, and is reported.
   */
  async load(id: string): Promise<boolean> {
    return await this.#parts.turns.take(async () => {
      const { index, isLoaded } = this.#parts;
      if (isLoaded(id)) return true;
      const row = this.#closed ? undefined : index.get(id);
      // One without a time was set aside before.
      if (row === undefined || row.dueAt === null) return false;
      await this.#loadRow(row, false, row.dueAt);
      return true;
    });
  }

  /** A message in the index as it stands, without loading it; undefined where there is none that can be read. */
  async peek(id: string): Promise<Pick<Found, "envelope" | "recipients"> | undefined> {
    return await this.#parts.turns.take(async () => {
      const row = this.#closed ? undefined : this.#parts.index.get(id);
      if (row === undefined) return undefined;
      try {
        const { envelope, recipients } = await this.#read(row);
        return { envelope, recipients };
      } catch (error) {
        if (!(error instanceof SpoolDamaged)) throw error;
        return undefined; // it is reported when its turn comes
      }
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #load(now: number, waitsUntil: WaitsUntil): Promise<void> {
    const { hasRoom, onProgress } = this.#parts;
    for (const row of await this.#leaveAlone(this.#choose(now), waitsUntil)) {
      if (this.#closed) return;
      if (!hasRoom(row.account)) continue;
      await this.#loadRow(row, true, now + RETRY_AFTER_FAILURE_MS);
      onProgress();
    }
  }

  /** Those that may wait are due later; gives the others. */
  async #leaveAlone(due: readonly FoundRow[], waitsUntil: WaitsUntil): Promise<FoundRow[]> {
    const rows: FoundRow[] = [], waiting: { id: string; dueAt: number }[] = [];
    for (const row of due) {
      const dueAt = row.damaged ? undefined : waitsUntil(row);
      if (dueAt === undefined) rows.push(row);
      else waiting.push({ id: row.id, dueAt });
    }
    for (let at = 0; at < waiting.length; at += LEAVE_BATCH) {
      this.#parts.index.putOff(waiting.slice(at, at + LEAVE_BATCH));
      await new Promise((resolve) => setTimeout(resolve, LEFT_ALONE_PAUSE_MS));
    }
    return rows;
  }

  /** @param retryAt when it is due where it cannot be loaded now. */
  async #loadRow(row: FoundRow, isDue: boolean, retryAt: number): Promise<void> {
    const { index, takeOver } = this.#parts;
    try {
      const found = await this.#read(row);
      index.put({ ...row, dueAt: null });
      takeOver(found, isDue);
    } catch (error) {
      this.#setAside(row, error, retryAt);
    }
  }

  /** Nobody who has something due has room for more. */
  get #idle(): boolean {
    return this.#rounds > 1;
  }

  /** The oldest that is due of the accounts whose turn it is, about as much of each. */
  #choose(now: number): FoundRow[] {
    const { index } = this.#parts;
    const accounts = this.#nextAccounts(now);
    const share = Math.max(1, Math.floor(LOAD_BATCH / accounts.length));
    return accounts.flatMap((account) => index.dueOf(account, now, share));
  }

  #nextAccounts(now: number): string[] {
    const { index, hasRoom } = this.#parts;
    const accounts = new Set<string>();
    for (let looks = 0; looks < LOOK_ACCOUNTS && accounts.size < LOAD_ACCOUNTS && !this.#idle; looks++) {
      const next = index.accountBehind(this.#account);
      this.#account = next ?? "";
      if (next === undefined) {
        this.#rounds++;
        if (accounts.size > 0) break;
      } else if (hasRoom(next) && index.dueOf(next, now, 1).length > 0) {
        accounts.add(next);
        this.#rounds = 0;
      }
    }
    return [...accounts];
  }

  async #read({ id, location, recipients, damaged }: FoundRow): Promise<Found> {
    if (damaged) throw new SpoolDamaged(`the index's row of ${id}`);
    const { segments, largePath } = this.#parts;
    const { meta, content } = await readAt(segments, location);
    const { envelope, large } = storedMessage(meta, id);
    if (large === undefined) return { envelope, recipients, location, content, large, indexed: true };
    await checkFile(largePath(id), large);
    return { envelope, recipients, location, content: undefined, large, indexed: true };
  }

  #setAside(row: FoundRow, trouble: unknown, retryAt: number): void {
    const { index, onDamage, onTrouble } = this.#parts;
    if (trouble instanceof SpoolDamaged) {
      index.setAside(row.id);
      onDamage(row.id, trouble);
    } else {
      index.put({ ...row, dueAt: retryAt });
      onTrouble(trouble);
    }
  }
}
