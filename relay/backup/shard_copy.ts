/**
 * A copy of a spool shard whose node goes on taking mail in and delivering it: one that the ordinary recovery opens.
 *
 * What holds: every message that was acknowledged before the copy began, and has not ended when it is finished, is in
 * it, with its content. How, without a word with the node:
 *
 * 1. The index is copied as it stands at one moment. Behind its checkpoint the log is the truth, so what the log has
 *    behind it (its tail) is listed before that moment and after it, and copied first, to the end that it has by then:
 *    that has all that was durable at the moment.
 * 2. Then come the segments in which the index knows messages, and their large contents.
 * 3. Recovery is run on the copy, and every message that it finds is looked up and checked.
 *
 * The node may empty a segment before it is copied (its messages ended, or were moved to the log's head) and use it
 * again. Then something is missing in 1 or in 3, and another round begins with a newer index. What was copied stays
 * good (segment_copies.ts), so a round copies what was written since the one before, and soon nothing is missing. A
 * message that is not found at the same place twice in a row is missing in the spool itself: it is reported.
 *
 * The other order, log first and index last, would be no better: what is moved between the two would be missing, too.
 */
import { join } from "@std/path";
import { openIndex } from "../spool/index_opening.ts";
import { SEGMENT_BYTES } from "../spool/open.ts";
import { removeOrphans, replay } from "../spool/replay.ts";
import { type Place, Segments } from "../spool/segments.ts";
import { BackupRefused } from "./errors.ts";
import { checkMessages, type Missing } from "./message_check.ts";
import type { Progress } from "./progress.ts";
import { findSegments, removeIfThere, SegmentCopies, type SourceSegment } from "./segment_copies.ts";
import { Snapshot } from "./snapshot.ts";

export interface ShardCopyOptions {
  /** The shard's directory. */
  readonly source: string;
  /** For the copy; it is there, and empty. */
  readonly target: string;
  readonly progress: Progress;
}

export interface ShardCopy {
  /** Messages that have not ended. */
  readonly messages: number;
  /** Ids of those of them that the spool itself has not whole any more. */
  readonly damaged: readonly string[];
  /** How often the node was faster. */
  readonly rounds: number;
}

/** Each takes the time in which the node writes what the next one copies: far fewer are needed. */
const MAX_ROUNDS = 20;
const INDEX = "index.db";
/** A database and what belongs to it. */
const SUFFIXES = ["", "-wal", "-shm"];
const PRIVATE_DIR = 0o700;

/** @throws {BackupRefused}, or Error of the file system or of SQLite. */
export async function copyShard(options: ShardCopyOptions): Promise<ShardCopy> {
  const { source, target, progress } = options;
  const large = { source: join(source, "large"), target: join(target, "large") };
  await Deno.mkdir(join(target, "segments"), { mode: PRIVATE_DIR });
  await Deno.mkdir(large.target, { mode: PRIVATE_DIR });
  const copies = new SegmentCopies(join(target, "segments"));
  let missing: Missing = new Map();
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    if (!await copyRound(options, copies)) continue;
    using index = openIndex(join(target, INDEX), () => {
      throw new BackupRefused(`${source}: its index is damaged. Start the service anew, which mends it`);
    });
    const segments = await Segments.open(join(target, "segments"), SEGMENT_BYTES);
    await replay(segments, index, () => {}); // what is damaged in the spool itself was told of when it was opened
    const live = new Set(index.liveByGeneration().keys());
    await copies.keep(live);
    const found = await checkMessages({ segments, index, large, progress });
    const isSettled = found.missing.keys().every((place) => missing.has(place));
    missing = found.missing;
    if (!isSettled) continue;
    await removeOrphans(large.target, index.largeMessages());
    return { messages: found.messages, damaged: [...missing.values()], rounds: round };
  }
  throw new BackupRefused(`${source} changes faster than it can be copied: try again when there is less to do`);
}

/** @returns false: the log behind the index's checkpoint was used again before it was copied. */
async function copyRound(options: ShardCopyOptions, copies: SegmentCopies): Promise<boolean> {
  const segments = await copyIndexAndTail(options, copies);
  if (segments === undefined) return false;
  const { others, newest } = segments;
  await copySegments(others, newest, copies, options.progress);
  return true;
}

/**
 * Both are soon done, and then the snapshot is let go of.
 *
 * @returns the other segments that have messages of the index, and the newest generation that there is; undefined: the
 *   tail was used again.
 */
async function copyIndexAndTail({ source, target, progress }: ShardCopyOptions, copies: SegmentCopies) {
  const directory = join(source, "segments");
  for (const suffix of SUFFIXES) await removeIfThere(join(target, INDEX + suffix));
  const before = await findSegments(directory);
  using snapshot = Snapshot.take(join(source, INDEX));
  const present = await findSegments(directory);
  const newest = present.at(-1)?.generation ?? 0;
  const checkpoint = checkpointOf(snapshot);
  const tail = union(before, present).filter(({ generation }) => generation >= checkpoint);
  await copySegments(tail, newest, copies, progress);
  if (!tail.every(({ generation }) => copies.has(generation))) return undefined;
  const indexed = new Set(
    snapshot.query<Pick<Place, "generation">>("SELECT DISTINCT generation FROM message").map((row) => row.generation),
  );
  await snapshot.copyTo(join(target, INDEX), progress);
  const others = present.filter(({ generation }) => generation < checkpoint && indexed.has(generation));
  return { others, newest };
}

async function copySegments(
  segments: readonly SourceSegment[],
  newest: number,
  copies: SegmentCopies,
  progress: Progress,
): Promise<void> {
  const sizes = await Promise.all(segments.map(({ path }) => sizeOf(path)));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let done = 0;
  for (const [at, segment] of segments.entries()) {
    await copies.take(segment, newest);
    progress.octets(done += sizes[at]!, total);
  }
}

/** The generation from which the log has to be replayed. */
function checkpointOf(snapshot: Snapshot): number {
  const [fact] = snapshot.query<{ value: string }>("SELECT value FROM fact WHERE name = 'checkpoint'");
  return fact === undefined ? 0 : (JSON.parse(fact.value) as Place).generation;
}

/** By mark: a file that was used again in between is there twice. */
function union(...lists: (readonly SourceSegment[])[]): SourceSegment[] {
  const byMark = new Map(lists.flat().map((segment) => [`${segment.generation} ${segment.salt}`, segment]));
  return [...byMark.values()].sort((one, other) => one.generation - other.generation);
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
