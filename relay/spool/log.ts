/**
 * The append-only log: the truth of the spool.
 *
 * Guarantees: `append` resolves only after the record is on stable storage; all that wait share one write and one
 * fdatasync (group commit). A file whose write or sync failed is never written again: the kernel may have thrown the
 * dirty pages away and report success the next time. The group that failed is refused. So that what the disk kept of it
 * is not delivered after a restart, the position moves behind it, and, until a checkpoint has that, the next file
 * says which messages are void, as soon as the disk takes it.
 */
import { SpoolDamaged, SpoolFailure } from "./errors.ts";
import { type EncodedRecord, encodeRecord, findRecord, readRecord, type Record, writeRecord } from "./record.ts";
import { FIRST_RECORD_OFFSET, type Place, type Segment, type Segments, writeAll } from "./segments.ts";

/** Where a record lies. */
export interface Location extends Place {
  readonly length: number;
}

interface Waiting {
  readonly record: EncodedRecord;
  /**
   * The message that the record accepts, to be voided should the group fail. Not a DSN that comes with an outcome: if
   * the disk kept them, they stand or fall together, and the outcome is true.
   */
  readonly accepts: string | undefined;
  readonly onDurable: (location: Location) => void;
  readonly resolve: () => void;
  readonly reject: (error: SpoolFailure) => void;
}

interface OpenFile {
  readonly segment: Segment;
  readonly file: Deno.FsFile;
  /** Where the next group goes. */
  offset: number;
}

/**
 * A group is written at once and copied first: this bounds the copy, and how long the first of a group waits. A record
 * that is longer is a group of its own: an outcome of a thousand recipients, each refused in many words, has 10 MiB.
 */
const MAX_GROUP_OCTETS = 1 << 20;
/** Ids in one record of voided messages: it stays far below a group's size, however many there are. */
const MAX_VOIDED_IN_RECORD = 1000;

export class Log {
  readonly #segments: Segments;
  /** What a segment can hold. */
  readonly #maxRecordOctets: number;
  readonly #buffer: Uint8Array;
  readonly #waiting: Waiting[] = [];
  readonly #voided: string[] = [];
  #open: OpenFile | undefined;
  #position: Place | undefined;
  #running: Promise<void> | undefined;
  #closed = false;
  readonly #onSegmentEnd: () => void;

  /** @param onSegmentEnd called after a file was filled and the next one taken, and after one has failed. */
  constructor(segments: Segments, onSegmentEnd: () => void) {
    this.#segments = segments;
    this.#maxRecordOctets = segments.sizeBytes - FIRST_RECORD_OFFSET;
    this.#buffer = new Uint8Array(Math.min(MAX_GROUP_OCTETS, this.#maxRecordOctets));
    this.#onSegmentEnd = onSegmentEnd;
  }

  /** Behind the last durable group, and behind a group that failed; undefined before the first. */
  get position(): Place | undefined {
    return this.#position;
  }

  /** Octets that the open file can take still, whatever becomes of the disk. */
  get octetsLeft(): number {
    return this.#open === undefined ? 0 : this.#segments.sizeBytes - this.#open.offset;
  }

  /**
   * Appends a record.
   *
   * @param onDurable called synchronously when the record is durable, in the order of the log, before `position`
   *   is seen to have passed it. It must not throw: the record stands already.
   * @throws {SpoolFailure} if it could not be stored.
   */
  append(record: Record, onDurable: (location: Location) => void): Promise<void> {
    if (this.#closed) return Promise.reject(new SpoolFailure("the log is closed"));
    const encoded = encodeRecord(record);
    if (encoded.length > this.#maxRecordOctets) {
      return Promise.reject(new SpoolFailure("record is too long for the log"));
    }
    const accepts = record.meta.outcome === undefined ? record.meta.accept?.envelope.id : undefined;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record: encoded, accepts, onDurable, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Ends after all that was appended before; what comes after is refused. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    this.#open?.file.close();
    this.#open = undefined;
    await this.#segments.settle();
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup();
      try {
        await this.#commit(group);
      } catch (error) {
        // At once, so that a crash before the next group does not bring back what is refused here. Where the disk
        // takes no more, they are written in front of the next group.
        await this.#writeVoided().catch(() => {});
        this.#refuse(group, error);
      }
    }
    // In the same turn as the last look at what waits: an append behind it starts anew.
    this.#running = undefined;
  }

  #takeGroup(): Waiting[] {
    let octets = 0, count = 0;
    for (const { record } of this.#waiting) {
      if (count > 0 && octets + record.length > this.#buffer.length) break;
      octets += record.length;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    if (this.#voided.length > 0) await this.#writeVoided();
    const octets = group.reduce((sum, { record }) => sum + record.length, 0);
    const open = this.#roomInOpen(octets) ?? await this.#openNext();
    const start = open.offset;
    const buffer = octets <= this.#buffer.length ? this.#buffer : new Uint8Array(octets);
    let at = 0;
    for (const { record } of group) {
      writeRecord(buffer, at, open.segment, record);
      at += record.length;
    }
    try {
      await this.#writeDurably(buffer.subarray(0, octets));
    } catch (error) {
      for (const { accepts } of group) if (accepts !== undefined) this.#voided.push(accepts);
      throw error;
    }
    let offset = start;
    for (const { record, onDurable } of group) {
      onDurable({ generation: open.segment.generation, offset, length: record.length });
      offset += record.length;
    }
    this.#position = { generation: open.segment.generation, offset };
    for (const { resolve } of group) resolve();
  }

  /** Writes at the open file's end and syncs it. */
  async #writeDurably(octets: Uint8Array): Promise<void> {
    const open = this.#open!;
    try {
      await writeAll(open.file, octets);
      await open.file.syncData();
    } catch (error) {
      this.#retire(open);
      throw error;
    }
    open.offset += octets.length;
  }

  async #writeVoided(): Promise<void> {
    while (this.#voided.length > 0) {
      const ids = this.#voided.slice(0, MAX_VOIDED_IN_RECORD);
      const record = encodeRecord({ meta: { void: ids }, content: new Uint8Array(0) });
      const open = this.#roomInOpen(record.length) ?? await this.#openNext();
      writeRecord(this.#buffer, 0, open.segment, record);
      await this.#writeDurably(this.#buffer.subarray(0, record.length));
      this.#voided.splice(0, ids.length);
    }
  }

  /** The open file if it has room for so many octets. */
  #roomInOpen(octets: number): OpenFile | undefined {
    return this.#open !== undefined && this.#open.offset + octets <= this.#segments.sizeBytes ? this.#open : undefined;
  }

  async #openNext(): Promise<OpenFile> {
    const { segment, file } = await this.#segments.next();
    const filled = this.#open;
    this.#open = { segment, file, offset: FIRST_RECORD_OFFSET };
    this.#segments.prepare();
    if (filled !== undefined) {
      filled.file.close();
      this.#onSegmentEnd();
    }
    return this.#open;
  }

  /** The open file has failed: it is never written again, and what lies behind the last durable group is nothing. */
  #retire({ segment, file }: OpenFile): void {
    file.close();
    this.#open = undefined;
    this.#segments.retire(segment.generation);
    this.#position = { generation: segment.generation, offset: this.#segments.sizeBytes };
    this.#onSegmentEnd();
  }

  #refuse(group: readonly Waiting[], cause: unknown): void {
    const failure = new SpoolFailure("the spool's disk did not take the group", { cause });
    for (const { reject } of group) reject(failure);
  }
}

/** Reads one record. @throws {SpoolDamaged} if it is not intact or not there. */
export async function readAt(segments: Segments, location: Location): Promise<Record> {
  const segment = segments.get(location.generation);
  if (segment === undefined) throw new SpoolDamaged(`segment of generation ${location.generation} is missing`);
  using file = await Deno.open(segment.path);
  const octets = new Uint8Array(location.length);
  await file.seek(location.offset, Deno.SeekMode.Start);
  await readFully(file, octets);
  const result = readRecord(octets, 0, segment);
  if (result.kind === "none") throw new SpoolDamaged(`record at ${location.offset} of ${segment.path}`);
  return result.record;
}

/**
 * Gives every intact record of a segment from `from` on, in order. `onDamage` hears where something lies that is not
 * intact: damage in front of a record, or behind the last one a record that is damaged or was never wholly written.
 */
export async function* scan(
  segment: Segment,
  from: number,
  onDamage: (offset: number) => void,
): AsyncGenerator<{ record: Record; location: Location }> {
  const { generation } = segment;
  const octets = await Deno.readFile(segment.path);
  let at = from, damagedFrom: number | undefined;
  while (at >= 0) {
    const result = readRecord(octets, at, segment);
    if (result.kind === "record") {
      if (damagedFrom !== undefined) onDamage(damagedFrom);
      damagedFrom = undefined;
      yield { record: result.record, location: { generation, offset: at, length: result.length } };
      at += result.length;
      continue;
    }
    const start = findRecord(octets, at, segment);
    if (start >= 0) damagedFrom ??= at;
    at = start === at ? findRecord(octets, at + 1, segment) : start;
  }
  if (damagedFrom !== undefined) onDamage(damagedFrom);
}

async function readFully(file: Deno.FsFile, octets: Uint8Array): Promise<void> {
  for (let at = 0; at < octets.length;) {
    const read = await file.read(octets.subarray(at));
    if (read === null) throw new SpoolDamaged("segment is shorter than the index says");
    at += read;
  }
}
