/**
 * Compaction: what is left in mostly dead segments is moved to the log's head, so that one deferred message does not
 * keep a whole segment for days.
 *
 * A copy is a record of its own (`moved`): durable before anything points to it, and found again by the log's replay
 * like any other. It says where the message lies now and nothing of its state, so it neither brings an ended message
 * back nor charges or reports one anew. A message in hand is left where it is, for whoever has it may be reading. Work
 * is bounded: by a pass over the segments that were there when it began, in steps of bounded size.
 */
import { SpoolDamaged } from "./errors.ts";
import type { FoundRow, IndexStore } from "./index_store.ts";
import type { LiveRecords } from "./live_records.ts";
import { type Location, type Log, readAt } from "./log.ts";
import { storedMessage } from "./record.ts";
import type { Segments } from "./segments.ts";
import type { Turns } from "./turns.ts";

export interface CompactorParts {
  readonly segments: Segments;
  readonly log: Log;
  readonly index: IndexStore;
  readonly live: LiveRecords;
  /** Shared with the loader: no row that a step has read is loaded before the step has ended. */
  readonly turns: Turns;
  readonly isLoaded: (messageId: string) => boolean;
  /** Whether there is room for so many octets beside what becomes of mail, which comes first. */
  readonly mayMove: (octets: number) => boolean;
  /** Hears that nothing in a segment is needed any more. */
  readonly onEmptied: (generation: number) => Promise<void>;
  readonly onDamage: (messageId: string, damage: SpoolDamaged) => void;
  readonly onTrouble: (error: unknown) => void;
}

/**
 * A segment is moved out of when at most this part of it is needed. So the log takes about twice what is queued, and an
 * octet won costs at most one octet written.
 */
const MOSTLY_DEAD = 1 / 2;
/** So few segments are left alone, whatever is in them: little room is to be won. */
const MIN_SEGMENTS = 2;
/** Octets and messages moved in one step: about one group of the log, so new mail waits for one group at most. */
const STEP_OCTETS = 1 << 20;
const STEP_MESSAGES = 256;

export class Compactor {
  readonly #parts: CompactorParts;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(parts: CompactorParts) {
    this.#parts = parts;
  }

  /** Begins a pass over the segments below this generation, unless one is on its way; resolves when it has ended. */
  run(below: number): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return this.#running ??= this.#pass(below).catch(this.#parts.onTrouble).finally(() => this.#running = undefined);
  }

  /** Ends behind the present step. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #pass(below: number): Promise<void> {
    const { segments, live, onEmptied } = this.#parts;
    const used = segments.used();
    if (used.length <= MIN_SEGMENTS) return;
    for (const { generation } of used) {
      if (this.#closed || generation >= below) return;
      if (live.octets(generation) > MOSTLY_DEAD * segments.sizeBytes) continue;
      await this.#empty(generation);
      if (!live.has(generation)) await onEmptied(generation);
    }
  }

  async #empty(generation: number): Promise<void> {
    const { live, mayMove } = this.#parts;
    let behind: number | undefined = 0;
    // Asked for all that is left in it: a part would take room, and give none back.
    while (behind !== undefined && !this.#closed && mayMove(live.octets(generation))) {
      const from: number = behind;
      behind = await this.#parts.turns.take(() => this.#step(generation, from));
    }
  }

  /** Moves some messages that lie behind an offset; resolves to the last one's offset, or undefined: there was none. */
  async #step(generation: number, behind: number): Promise<number | undefined> {
    const { index, isLoaded } = this.#parts;
    const rows = atMost(STEP_OCTETS, index.inSegment(generation, behind, STEP_MESSAGES));
    const moves = await Promise.allSettled(rows.filter(({ id }) => !isLoaded(id)).map((row) => this.#move(row)));
    const failed = moves.find((move) => move.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return rows.at(-1)?.location.offset;
  }

  async #move(row: FoundRow): Promise<void> {
    try {
      if (row.damaged) throw new SpoolDamaged(`the index's row of ${row.id}`);
      const { meta, content } = await readAt(this.#parts.segments, row.location);
      const message = storedMessage(meta, row.id);
      await this.#parts.log.append({ meta: { moved: message }, content }, (location) => this.#moved(row, location));
    } catch (error) {
      if (!(error instanceof SpoolDamaged)) throw error;
      this.#setAside(row, error);
    }
  }

  /** Never throws: where the index does not take it, the message is still where it was, and the copy is nothing. */
  #moved(row: FoundRow, location: Location): void {
    const { index, live, onTrouble } = this.#parts;
    try {
      index.put({ ...row, location });
    } catch (error) {
      return onTrouble(error);
    }
    live.add(location);
    live.delete(row.location);
  }

  /** It keeps its segment; one that nobody looks for has been reported already. */
  #setAside(row: FoundRow, damage: SpoolDamaged): void {
    if (row.dueAt === null) return;
    this.#parts.index.setAside(row.id);
    this.#parts.onDamage(row.id, damage);
  }
}

/** The first rows whose records have at most so many octets together, and at least one. */
function atMost(octets: number, rows: readonly FoundRow[]): readonly FoundRow[] {
  let count = 0, sum = 0;
  for (const { location: { length } } of rows) {
    if (count > 0 && sum + length > octets) break;
    sum += length;
    count++;
  }
  return rows.slice(0, count);
}
