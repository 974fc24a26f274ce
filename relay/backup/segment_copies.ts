/**
 * Copies of a log's segments, while their node goes on writing, emptying and reusing them.
 *
 * A file of the log is written under one mark (generation and salt) until it is used again under another, and the
 * mark is written before anything else of the new use. So a file whose mark is, behind its copy, the one of before was
 * read under this mark alone; another mark there: the copy is thrown away. Within a generation the log only grows, so a
 * copy never becomes wrong, at most too short; and a generation does not grow any more once there is a later one.
 */
import { join } from "@std/path";
import type { Mark } from "../spool/record.ts";
import { readHeader, writeAll } from "../spool/segments.ts";

export interface SourceSegment extends Mark {
  readonly path: string;
}

/** Octets read at once. */
const CHUNK_OCTETS = 1 << 20;
const PRIVATE_FILE = 0o600;
const SEGMENT_NAME = /^\d{6,}\.segment$/;

/** The segments that bear a mark, oldest first: in use, or free and not used again yet. */
export async function findSegments(directory: string): Promise<SourceSegment[]> {
  const found: SourceSegment[] = [];
  for await (const { name } of Deno.readDir(directory)) {
    if (!SEGMENT_NAME.test(name)) continue;
    const path = join(directory, name);
    const mark = await markOf(path);
    if (mark !== undefined) found.push({ path, ...mark });
  }
  return found.sort((one, other) => one.generation - other.generation);
}

export class SegmentCopies {
  readonly #directory: string;
  /** By generation; whether it had come to its end. */
  readonly #copies = new Map<number, { readonly salt: number; readonly whole: boolean }>();

  /** @param directory for the copies alone; it is there. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Takes a copy, unless there is one that cannot have become too short; `has` tells whether there is one then.
   *
   * @param newest the latest generation that there is.
   */
  async take(segment: SourceSegment, newest: number): Promise<void> {
    const { generation, salt } = segment;
    const before = this.#copies.get(generation);
    if (before?.whole && before.salt === salt) return;
    const path = this.#path(generation);
    const isThere = await copyWithHoles(segment.path, path);
    const mark = await markOf(segment.path);
    if (isThere && mark?.generation === generation && mark.salt === salt) {
      this.#copies.set(generation, { salt, whole: generation < newest });
      return;
    }
    // It was used again, or given back to the disk. An earlier copy of it was written over: the next round tells
    // whether it is still needed.
    this.#copies.delete(generation);
    await removeIfThere(path);
  }

  has(generation: number): boolean {
    return this.#copies.has(generation);
  }

  /** Removes the copies of other generations than these. */
  async keep(generations: ReadonlySet<number>): Promise<void> {
    for (const generation of [...this.#copies.keys()]) {
      if (generations.has(generation)) continue;
      this.#copies.delete(generation);
      await removeIfThere(this.#path(generation));
    }
  }

  #path(generation: number): string {
    return join(this.#directory, `${String(generation).padStart(6, "0")}.segment`);
  }
}

/** undefined for a file that is gone, or holds nothing, or whose header is damaged. */
async function markOf(path: string): Promise<Mark | undefined> {
  try {
    const header = await readHeader(path);
    return header === "unused" || header === "damaged" ? undefined : header;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Segments are as large as they will ever be from their beginning, filled with zeros: what is zeros takes no room in
 * the copy.
 *
 * @returns false: the file is gone.
 */
async function copyWithHoles(from: string, to: string): Promise<boolean> {
  using source = await openIfThere(from);
  if (source === undefined) return false;
  using target = await Deno.open(to, { create: true, truncate: true, write: true, mode: PRIVATE_FILE });
  const chunk = new Uint8Array(CHUNK_OCTETS);
  let at = 0;
  for (let read; (read = await source.read(chunk)) !== null; at += read) {
    const octets = chunk.subarray(0, read);
    if (octets.every((octet) => octet === 0)) continue;
    await target.seek(at, Deno.SeekMode.Start);
    await writeAll(target, octets);
  }
  await target.truncate(at);
  return true;
}

async function openIfThere(path: string): Promise<Deno.FsFile | undefined> {
  try {
    return await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

export async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
