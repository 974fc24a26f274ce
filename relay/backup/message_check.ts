/**
 * Looks at every message that a recovered copy of a shard has: whether its record is there and intact, and its content,
 * which is fetched where it is a file of its own.
 */
import { join } from "@std/path";
import { crc32 } from "node:zlib";
import { SpoolDamaged } from "../spool/errors.ts";
import type { FoundRow, IndexStore } from "../spool/index_store.ts";
import { type LargeContent, readRecord, storedMessage } from "../spool/record.ts";
import { type Segments, writeAll } from "../spool/segments.ts";
import type { Progress } from "./progress.ts";
import { removeIfThere } from "./segment_copies.ts";

/** Ids of messages that are not whole, by the place where they should be. */
export type Missing = ReadonlyMap<string, string>;

export interface CheckOptions {
  /** Of the copy. */
  readonly segments: Segments;
  readonly index: IndexStore;
  /** The directories of large contents. */
  readonly large: { readonly source: string; readonly target: string };
  readonly progress: Progress;
}

/** Rows looked at between two looks at the index: bounds memory. */
const PAGE_ROWS = 1000;
const CHUNK_OCTETS = 1 << 20;
const PRIVATE_FILE = 0o600;

export async function checkMessages(options: CheckOptions): Promise<{ messages: number; missing: Missing }> {
  const { segments, index } = options;
  const missing = new Map<string, string>();
  const live = index.liveByGeneration();
  const total = live.values().reduce((sum, { octets }) => sum + octets, 0);
  let messages = 0, done = 0;
  for (const generation of live.keys()) {
    const segment = segments.get(generation);
    const octets = segment === undefined ? undefined : await Deno.readFile(segment.path);
    for (const row of rowsOf(index, generation)) {
      messages++;
      const { offset, length } = row.location;
      const stored = octets === undefined ? undefined : messageAt(octets, offset, segment!, row);
      const isWhole = stored !== undefined &&
        (stored.large === undefined || await obtain(row.id, stored.large, options.large));
      if (!isWhole) missing.set(`${row.id} ${generation} ${offset}`, row.id);
      done += length;
    }
    options.progress.octets(done, total);
  }
  return { messages, missing };
}

function* rowsOf(index: IndexStore, generation: number): Generator<FoundRow> {
  for (let behind = 0;;) {
    const rows = index.inSegment(generation, behind, PAGE_ROWS);
    yield* rows;
    if (rows.length < PAGE_ROWS) return;
    behind = rows.at(-1)!.location.offset;
  }
}

function messageAt(octets: Uint8Array, offset: number, mark: { generation: number; salt: number }, row: FoundRow) {
  if (row.damaged) return undefined;
  const result = readRecord(octets, offset, mark);
  if (result.kind === "none") return undefined;
  try {
    return storedMessage(result.record.meta, row.id);
  } catch (error) {
    if (error instanceof SpoolDamaged) return undefined;
    throw error;
  }
}

/** Whether the copy has the content: as it came with an earlier round, or now. */
async function obtain(
  id: string,
  { sizeBytes, crc32: wanted }: LargeContent,
  large: CheckOptions["large"],
): Promise<boolean> {
  const path = join(large.target, id);
  try {
    if ((await Deno.stat(path)).size === sizeBytes) return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  try {
    using source = await Deno.open(join(large.source, id));
    using target = await Deno.open(path, { create: true, truncate: true, write: true, mode: PRIVATE_FILE });
    const chunk = new Uint8Array(CHUNK_OCTETS);
    let checksum = 0, octetsSeen = 0;
    for (let read; (read = await source.read(chunk)) !== null; octetsSeen += read) {
      checksum = crc32(chunk.subarray(0, read), checksum) >>> 0;
      await writeAll(target, chunk.subarray(0, read));
    }
    if (octetsSeen === sizeBytes && checksum === wanted) return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  await removeIfThere(path);
  return false;
}
