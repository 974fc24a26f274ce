/**
 * The segment files of the log: made, found again at start, and used again.
 *
 * A segment is written with zeros when it is made, so that a later sync has no file size or block map to store: that
 * makes a durable group several times cheaper. Each use of a file has a mark of its own, with a generation higher than
 * all before; it stands in the file's first block, twice, and in each record.
 */
import { join } from "@std/path";
import { crc32 } from "node:zlib";
import { SpoolTooNew } from "./errors.ts";
import type { Mark } from "./record.ts";

/** A place in the log. */
export interface Place {
  readonly generation: number;
  readonly offset: number;
}

export interface Segment extends Mark {
  readonly path: string;
}

/** The first block holds the file's header, the records follow. */
export const FIRST_RECORD_OFFSET = 4096;
/** Where the header and its copy are: all that the file holds hangs on it, and a bad sector shall not take both. */
const HEADER_OFFSETS = [0, FIRST_RECORD_OFFSET / 2] as const;
/** Magic, generation, salt, and the CRC-32 of these; unsigned, little endian, 4 octets each. */
const HEADER_OCTETS = 16;
const MAGIC = 0x3167534d; // "MSg1"
/** Of all formats; the fourth octet is the format's number, as a digit. */
const MAGIC_OF_ALL = MAGIC & 0xffffff;
/**
 * How much is written at once, and synced, while a file is filled with zeros beside the log: a sync of the log waits for
 * no more than that. Beside a file that was synced as a whole, groups of 256 KiB took 12 to 24 ms at p90 and p99, beside
 * this 1.2 and 3 ms, alone 0.8 and 1.2; the file takes 160 ms instead of 50.
 */
const FILL_CHUNK_OCTETS = 256 << 10;
/** Files kept for the next changes of segment, at 32 MiB each; what a long queue leaves beyond them is given back. */
const MAX_FREE = 8;

export class Segments {
  readonly #directory: string;
  readonly #sizeBytes: number;
  readonly #newSalt: () => number;
  /** By generation. */
  readonly #used = new Map<number, Segment>();
  /** Generations whose file is not to be used again. */
  readonly #retired = new Set<number>();
  readonly #free: string[] = [];
  readonly #damaged: string[] = [];
  #spare: Promise<string | undefined> | undefined;
  /** Somebody waits for the file that is being made. */
  #awaited = false;
  /** Why the last file could not be made; undefined: it could. */
  #trouble: unknown;
  #highest = 0;
  #files = 0;

  private constructor(directory: string, sizeBytes: number, newSalt: () => number) {
    this.#directory = directory;
    this.#sizeBytes = sizeBytes;
    this.#newSalt = newSalt;
  }

  /**
   * Opens the directory and reads the header of each file.
   *
   * @param sizeBytes of a file; those of another size are used up and then removed.
   * @param newSalt an unguessable unsigned 32-bit number.
   * @throws {SpoolTooNew}
   */
  static async open(directory: string, sizeBytes: number, newSalt: () => number = randomSalt): Promise<Segments> {
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    const segments = new Segments(directory, sizeBytes, newSalt);
    for await (const { name } of Deno.readDir(directory)) {
      const number = /^(\d{6,})\.segment$/.exec(name)?.[1];
      if (number === undefined) continue;
      segments.#files = Math.max(segments.#files, Number(number));
      await segments.#find(join(directory, name));
    }
    return segments;
  }

  async #find(path: string): Promise<void> {
    const header = await readHeader(path);
    const whole = (await Deno.stat(path)).size === this.#sizeBytes;
    if (header === "damaged") this.#damaged.push(path);
    else if (header !== "unused") {
      const { generation } = header;
      this.#used.set(generation, { path, ...header });
      this.#highest = Math.max(this.#highest, generation);
      if (!whole) this.#retired.add(generation);
    } else if (whole) this.#free.push(path);
    else await Deno.remove(path); // its making was interrupted
  }

  /**
   * The next generations are higher than this one: a checkpoint that has passed it takes those up to it for passed,
   * also where the file that had it is no more.
   */
  continueBehind(generation: number): void {
    this.#highest = Math.max(this.#highest, generation);
  }

  /** Files whose header cannot be read; they are left as they are. */
  get damaged(): readonly string[] {
    return this.#damaged;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The segments in use, oldest first. */
  used(): Segment[] {
    return [...this.#used.values()].sort((a, b) => a.generation - b.generation);
  }

  get(generation: number): Segment | undefined {
    return this.#used.get(generation);
  }

  /** Takes a file into use under the next generation. The header is part of the first sync of the file. */
  async next(): Promise<{ segment: Segment; file: Deno.FsFile }> {
    const path = this.#free.pop() ?? await this.#atOnce(async () => await this.#takeSpare() ?? await this.#make());
    const segment = { path, generation: ++this.#highest, salt: this.#newSalt() };
    let file: Deno.FsFile | undefined;
    try {
      file = await Deno.open(path, { write: true });
      await writeAll(file, firstBlock(segment));
    } catch (error) {
      file?.close();
      if (!(error instanceof Deno.errors.NotFound)) this.#free.unshift(path); // another one is tried before it
      throw error;
    }
    this.#used.set(segment.generation, segment);
    return { segment, file };
  }

  /** No file could be made for the time behind the present one: what is left of that should be used with care. */
  get short(): boolean {
    return this.#trouble !== undefined && this.#free.length === 0;
  }

  /** Why it could not, the last time; undefined: it could. */
  get trouble(): unknown {
    return this.#trouble;
  }

  /** Makes a file in the background when none is free, so that the next change of segment need not wait for it. */
  prepare(): void {
    if (this.#free.length > 0 || this.#spare !== undefined) return;
    // Whoever looks at `short` finds out, and can say why; each call is another try.
    const spare = this.#make().catch(() => {
      if (this.#spare === spare) this.#spare = undefined;
      return undefined;
    });
    this.#spare = spare;
  }

  /** Waits until nothing is being made any more. */
  async settle(): Promise<void> {
    const path = await this.#atOnce(async () => await this.#takeSpare());
    if (path !== undefined) this.#free.push(path);
  }

  /** The segment's file has failed: what it holds can be read still, but it is not used again. */
  retire(generation: number): void {
    this.#retired.add(generation);
  }

  /**
   * Gives a segment back whose records are all without meaning now: its file is free; or removed if it was retired, or
   * enough are free.
   */
  async recycle(generation: number): Promise<void> {
    const segment = this.#used.get(generation);
    if (segment === undefined) return;
    this.#used.delete(generation);
    const surplus = this.#free.length >= MAX_FREE;
    if (this.#retired.delete(generation) || surplus) await Deno.remove(segment.path);
    else this.#free.push(segment.path);
  }

  /** Somebody waits for a file: nothing is to be gained by sparing the log's syncs. */
  async #atOnce<Path>(get: () => Promise<Path>): Promise<Path> {
    this.#awaited = true;
    try {
      return await get();
    } finally {
      this.#awaited = false;
    }
  }

  #takeSpare(): Promise<string | undefined> | undefined {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare;
  }

  async #make(): Promise<string> {
    try {
      const path = await this.#makeFile();
      this.#trouble = undefined;
      return path;
    } catch (error) {
      this.#trouble = error;
      throw error;
    }
  }

  async #makeFile(): Promise<string> {
    const path = join(this.#directory, `${String(++this.#files).padStart(6, "0")}.segment`);
    const file = await Deno.open(path, { createNew: true, write: true, mode: 0o600 });
    try {
      const zeros = new Uint8Array(FILL_CHUNK_OCTETS);
      for (let left = this.#sizeBytes; left > 0; left -= zeros.length) {
        await writeAll(file, left < zeros.length ? zeros.subarray(0, left) : zeros);
        if (!this.#awaited) await file.syncData();
      }
      await file.sync();
      await syncDirectory(this.#directory);
    } catch (error) {
      await Deno.remove(path); // half a file would only take the room that is short
      throw error;
    } finally {
      file.close();
    }
    return path;
  }
}

/** A name in a directory is durable only when the directory itself was synced. */
export async function syncDirectory(path: string): Promise<void> {
  using directory = await Deno.open(path);
  await directory.sync();
}

/** `write` may write less than it was given. */
export async function writeAll(file: Deno.FsFile, octets: Uint8Array): Promise<void> {
  for (let at = 0; at < octets.length;) at += await file.write(at === 0 ? octets : octets.subarray(at));
}

function firstBlock({ generation, salt }: Mark): Uint8Array {
  const block = new Uint8Array(FIRST_RECORD_OFFSET);
  for (const at of HEADER_OFFSETS) {
    const view = new DataView(block.buffer, at, HEADER_OCTETS);
    view.setUint32(0, MAGIC, true);
    view.setUint32(4, generation, true);
    view.setUint32(8, salt, true);
    view.setUint32(12, crc32(block.subarray(at, at + 12)), true);
  }
  return block;
}

/**
 * What a file's first block says; "unused" is a file that holds nothing, whatever its size.
 * @throws {SpoolTooNew}
 */
export async function readHeader(path: string): Promise<Mark | "unused" | "damaged"> {
  using file = await Deno.open(path);
  const block = new Uint8Array(FIRST_RECORD_OFFSET);
  let octets = 0;
  for (let read; octets < block.length && (read = await file.read(block.subarray(octets))) !== null;) octets += read;
  for (const at of HEADER_OFFSETS) {
    const view = new DataView(block.buffer, at, HEADER_OCTETS);
    const magic = view.getUint32(0, true);
    const isHeader = (magic & 0xffffff) === MAGIC_OF_ALL &&
      view.getUint32(12, true) === crc32(block.subarray(at, at + 12));
    if (!isHeader) continue;
    if (magic !== MAGIC) {
      throw new SpoolTooNew(`${path}: a newer version of this program has been here: run that one, or a later one`);
    }
    return { generation: view.getUint32(4, true), salt: view.getUint32(8, true) };
  }
  return block.every((octet) => octet === 0) ? "unused" : "damaged";
}

function randomSalt(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
