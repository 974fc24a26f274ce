/**
 * The append-only log: the truth of the spool.
 *
 * Guarantees: `append` resolves only after the record is on stable storage; all that wait share one write and one
 * fdatasync (group commit). A file whose write or sync failed is never written again: the kernel may have thrown the
 * dirty pages away and report success the next time. The group that failed is refused, and voided in the next file,
 * so that what the disk kept of it is not delivered after a restart.
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
  /** The message that the record accepts, to be voided should the group fail. */
  readonly accepts: string | undefined;
  readonly onDurable: (location: Location) => void;
  readonly resolve: () => void;
  readonly reject: (error: SpoolFailure) => void;
}

/** A group is written at once and copied first: this bounds the copy, and how long the first of a group waits. */
const MAX_GROUP_OCTETS = 1 << 20;

export class Log {
  readonly #segments: Segments;
  readonly #buffer = new Uint8Array(MAX_GROUP_OCTETS);
  readonly #waiting: Waiting[] = [];
  #voided: string[] = [];
  #open: { segment: Segment; file: Deno.FsFile; offset: number } | undefined;
  #position: Place | undefined;
  #running: Promise<void> | undefined;
  readonly #onNewSegment: () => void;

  /** @param onNewSegment called after a file was filled and the next one taken. */
  constructor(segments: Segments, onNewSegment: () => void) {
    this.#segments = segments;
    this.#onNewSegment = onNewSegment;
  }

  /** Behind the last durable group; undefined before the first. */
  get position(): Place | undefined {
    return this.#position;
  }

  /**
   * Appends a record.
   *
   * @param onDurable called synchronously when the record is durable, in the order of the log, before `position`
   *   is seen to have passed it.
   * @throws {SpoolFailure} if it could not be stored.
   */
  append(record: Record, onDurable: (location: Location) => void): Promise<void> {
    const encoded = encodeRecord(record);
    if (encoded.length > MAX_GROUP_OCTETS) return Promise.reject(new SpoolFailure("record is too long for the log"));
    const accepts = record.meta.accept?.envelope.id;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record: encoded, accepts, onDurable, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Ends after all that was appended before; nothing may be appended after. */
  async close(): Promise<void> {
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
        this.#fail(group, error);
      }
    }
    // In the same turn as the last look at what waits: an append behind it starts anew.
    this.#running = undefined;
  }

  #takeGroup(): Waiting[] {
    let octets = 0, count = 0;
    for (const { record } of this.#waiting) {
      if (octets + record.length > MAX_GROUP_OCTETS) break;
      octets += record.length;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    await this.#writeVoided();
    const octets = group.reduce((sum, { record }) => sum + record.length, 0);
    const open = await this.#room(octets);
    const start = open.offset;
    let at = 0;
    for (const { record } of group) {
      writeRecord(this.#buffer, at, open.segment.generation, record);
      at += record.length;
    }
    await this.#writeDurably(octets);
    let offset = start;
    for (const { record, onDurable } of group) {
      onDurable({ generation: open.segment.generation, offset, length: record.length });
      offset += record.length;
    }
    this.#position = { generation: open.segment.generation, offset };
    for (const { resolve } of group) resolve();
  }

  /** Writes the first `octets` of the buffer at the open file's end and syncs it. */
  async #writeDurably(octets: number): Promise<void> {
    const open = this.#open!;
    await writeAll(open.file, this.#buffer.subarray(0, octets));
    await open.file.syncData();
    open.offset += octets;
  }

  async #writeVoided(): Promise<void> {
    if (this.#voided.length === 0) return;
    const record = encodeRecord({ meta: { void: this.#voided }, content: new Uint8Array(0) });
    const open = await this.#room(record.length);
    writeRecord(this.#buffer, 0, open.segment.generation, record);
    await this.#writeDurably(record.length);
    this.#voided = [];
  }

  /** The open file if it has room for so many octets, else the next one. */
  async #room(octets: number): Promise<{ segment: Segment; offset: number }> {
    if (this.#open !== undefined && this.#open.offset + octets <= this.#segments.sizeBytes) return this.#open;
    const first = this.#open === undefined;
    const { segment, file } = await this.#segments.next();
    this.#open?.file.close();
    this.#open = { segment, file, offset: FIRST_RECORD_OFFSET };
    this.#segments.prepare();
    if (!first) this.#onNewSegment();
    return this.#open;
  }

  #fail(group: readonly Waiting[], cause: unknown): void {
    this.#open?.file.close();
    this.#open = undefined; // never tried again
    const failure = new SpoolFailure("the spool's disk did not take the group", { cause });
    for (const { accepts, reject } of group) {
      if (accepts !== undefined) this.#voided.push(accepts);
      reject(failure);
    }
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
  const result = readRecord(octets, 0, location.generation);
  if (result.kind === "none") throw new SpoolDamaged(`record at ${location.offset} of ${segment.path}`);
  return result.record;
}

/** Gives every intact record of a segment from `from` on, in order; `onDamage` hears of what lies between them. */
export async function* scan(
  segment: Segment,
  from: number,
  onDamage: (offset: number) => void,
): AsyncGenerator<{ record: Record; location: Location }> {
  const { generation } = segment;
  const octets = await Deno.readFile(segment.path);
  let at = from;
  while (true) {
    const result = readRecord(octets, at, generation);
    if (result.kind === "record") {
      yield { record: result.record, location: { generation, offset: at, length: result.length } };
      at += result.length;
      continue;
    }
    const next = findRecord(octets, at + 1, generation);
    if (next < 0) return;
    if (readRecord(octets, next, generation).kind === "record") onDamage(at);
    at = next;
  }
}

async function readFully(file: Deno.FsFile, octets: Uint8Array): Promise<void> {
  for (let at = 0; at < octets.length;) {
    const read = await file.read(octets.subarray(at));
    if (read === null) throw new SpoolDamaged("segment is shorter than the index says");
    at += read;
  }
}
