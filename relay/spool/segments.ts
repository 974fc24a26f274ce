/**
 * The segment files of the log: made, found again at start, and used again.
 *
 * A segment is written with zeros when it is made, so that a later sync has no file size or block map to store: that
 * makes a durable group several times cheaper. Each use of a file has a generation of its own, higher than all before;
 * it stands in the file's first block and in each record.
 */
import { join } from "@std/path";
import { crc32 } from "node:zlib";

/** A place in the log. */
export interface Place {
  readonly generation: number;
  readonly offset: number;
}

export interface Segment {
  readonly path: string;
  readonly generation: number;
}

/** The first block holds the file's header, the records follow. */
export const FIRST_RECORD_OFFSET = 4096;
const MAGIC = 0x3167534d; // "MSg1"
/** How much is written at once while a file is filled with zeros. */
const FILL_CHUNK_OCTETS = 1 << 20;

export class Segments {
  readonly #directory: string;
  readonly #sizeBytes: number;
  /** By generation. */
  readonly #used = new Map<number, Segment>();
  readonly #free: string[] = [];
  #spare: Promise<string | undefined> | undefined;
  #highest = 0;
  #files = 0;

  private constructor(directory: string, sizeBytes: number) {
    this.#directory = directory;
    this.#sizeBytes = sizeBytes;
  }

  /** Opens the directory and reads the header of each file; one without a valid header is free. */
  static async open(directory: string, sizeBytes: number): Promise<Segments> {
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    const segments = new Segments(directory, sizeBytes);
    for await (const { name } of Deno.readDir(directory)) {
      const number = /^(\d{6})\.segment$/.exec(name)?.[1];
      if (number === undefined) continue;
      const path = join(directory, name);
      segments.#files = Math.max(segments.#files, Number(number));
      const generation = await readHeader(path);
      if (generation === null) segments.#free.push(path);
      else segments.#used.set(generation, { path, generation });
      segments.#highest = Math.max(segments.#highest, generation ?? 0);
    }
    return segments;
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
    const path = this.#free.pop() ?? await this.#spare ?? await this.#make();
    this.#spare = undefined;
    const generation = ++this.#highest;
    const file = await Deno.open(path, { write: true });
    try {
      await writeAll(file, header(generation));
    } catch (error) {
      file.close();
      this.#free.push(path);
      throw error;
    }
    const segment = { path, generation };
    this.#used.set(generation, segment);
    return { segment, file };
  }

  /** Makes a file in the background when none is free, so that the next change of segment need not wait for it. */
  prepare(): void {
    if (this.#free.length > 0 || this.#spare !== undefined) return;
    // Trouble shows again, and is reported, when the file is needed.
    this.#spare = this.#make().catch(() => undefined);
  }

  /** Waits until nothing is being made any more. */
  async settle(): Promise<void> {
    const path = await this.#spare;
    if (path !== undefined) this.#free.push(path);
    this.#spare = undefined;
  }

  /** Gives a segment back whose records are all without meaning now. */
  recycle(generation: number): void {
    const segment = this.#used.get(generation);
    if (segment === undefined) return;
    this.#used.delete(generation);
    this.#free.push(segment.path);
  }

  async #make(): Promise<string> {
    const path = join(this.#directory, `${String(++this.#files).padStart(6, "0")}.segment`);
    const file = await Deno.open(path, { createNew: true, write: true, mode: 0o600 });
    try {
      const zeros = new Uint8Array(FILL_CHUNK_OCTETS);
      for (let left = this.#sizeBytes; left > 0; left -= zeros.length) {
        await writeAll(file, left < zeros.length ? zeros.subarray(0, left) : zeros);
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

function header(generation: number): Uint8Array {
  const block = new Uint8Array(FIRST_RECORD_OFFSET);
  const view = new DataView(block.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, generation, true);
  view.setUint32(8, crc32(block.subarray(0, 8)), true);
  return block;
}

/** The generation in a file's header, or null if the file was never used. */
async function readHeader(path: string): Promise<number | null> {
  using file = await Deno.open(path);
  const block = new Uint8Array(12);
  const read = await file.read(block);
  const view = new DataView(block.buffer);
  if (read !== block.length || view.getUint32(0, true) !== MAGIC) return null;
  return view.getUint32(8, true) === crc32(block.subarray(0, 8)) ? view.getUint32(4, true) : null;
}
