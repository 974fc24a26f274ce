/**
 * Brings an index up to the end of its log: what recovery after a crash is. A backup does the same to its copy.
 *
 * May be repeated: what the index has already of a record is put there again, and comes to the same.
 */
import { join } from "@std/path";
import { acceptedEvent } from "./accepted_event.ts";
import { indexFacts } from "./index_row.ts";
import type { IndexRow, IndexStore } from "./index_store.ts";
import { type Location, scan } from "./log.ts";
import { applyChanges, earliestDue, initialStates } from "./recipient_states.ts";
import type { Meta, StoredMessage } from "./record.ts";
import { FIRST_RECORD_OFFSET, type Segments } from "./segments.ts";

/**
 * Brings the index up to the log's end, makes that durable, and lets go of the segments that nothing needs.
 *
 * @param onDamage hears where something in a segment is not intact.
 * @returns how many records there were behind the checkpoint.
 */
export async function replay(
  segments: Segments,
  index: IndexStore,
  onDamage: (path: string, offset: number) => void,
): Promise<number> {
  const { checkpoint } = index;
  const from = checkpoint ?? { generation: 0, offset: 0 };
  let records = 0, newest = from;
  for (const segment of segments.used()) {
    if (segment.generation < from.generation) continue;
    const offset = segment.generation === from.generation ? from.offset : FIRST_RECORD_OFFSET;
    const found: { meta: Meta; location: Location }[] = [];
    for await (
      const { record, location } of scan(segment, offset, (place) => onDamage(segment.path, place))
    ) {
      found.push({ meta: record.meta, location });
    }
    newest = { generation: segment.generation, offset: segments.sizeBytes };
    records += found.length;
    index.transaction(() => {
      for (const { meta, location } of found) apply(index, meta, location, checkpoint === undefined);
      index.checkpoint = newest;
    });
  }
  const live = index.liveByGeneration();
  await index.sync();
  for (const { generation } of segments.used()) if (!live.has(generation)) await segments.recycle(generation);
  return records;
}

/** @param isNew the index had nothing: a message's first record may be gone, and a copy is all that is left of it. */
function apply(
  index: IndexStore,
  { accept, moved, outcome, void: voided }: Meta,
  location: Location,
  isNew: boolean,
): void {
  if (outcome !== undefined) {
    const row = index.get(outcome.messageId);
    if (row !== undefined && !row.damaged) {
      const recipients = applyChanges(row.recipients, outcome.changes);
      const dueAt = earliestDue(recipients);
      if (dueAt === undefined) index.delete(outcome.messageId);
      else index.put({ ...row, recipients, dueAt });
    }
    index.putOutbox(outcome.events.map((event) => ({ event, reservation: null })));
  }
  if (accept !== undefined) {
    const { envelope } = accept;
    index.put(firstRow(accept, location));
    index.putOutbox([{ event: acceptedEvent(envelope), reservation: envelope.reservation }]);
  }
  if (moved !== undefined) {
    const row = index.get(moved.envelope.id);
    if (row === undefined) {
      // It lived when it was copied; what ended it stands behind the copy.
      if (isNew) index.put(firstRow(moved, location));
    } else if (!row.damaged) index.put({ ...row, location });
  }
  for (const id of voided ?? []) index.void(id);
}

/** As of a message that nobody has tried to deliver yet. */
function firstRow({ envelope, large }: StoredMessage, location: Location): IndexRow {
  const recipients = initialStates(envelope);
  const dueAt = envelope.receivedAt;
  return { ...indexFacts(envelope), location, large: large !== undefined, dueAt, recipients };
}

/** Removes large contents whose message was never accepted, or has ended, when the process died. */
export async function removeOrphans(directory: string, wanted: ReadonlySet<string>): Promise<void> {
  for await (const { name } of Deno.readDir(directory)) {
    if (!wanted.has(name)) await Deno.remove(join(directory, name));
  }
}
