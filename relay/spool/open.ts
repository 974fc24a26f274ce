/**
 * Opens a node's spool: finds what an earlier process left, replays the log behind the checkpoint, and starts anew in
 * a fresh segment. Memory stays flat: what is found goes to the index, from where it is loaded as it is due.
 */
import { dirname, join } from "@std/path";
import { acceptedEvent } from "./accepted_event.ts";
import type { SpoolDamaged } from "./errors.ts";
import { indexFacts } from "./index_row.ts";
import { openIndex } from "./index_opening.ts";
import type { IndexStore } from "./index_store.ts";
import { type Location, Log, scan } from "./log.ts";
import { type Deliver, Outbox, type OutboxClock } from "./outbox.ts";
import { applyChanges, earliestDue, initialStates } from "./recipient_states.ts";
import type { Meta } from "./record.ts";
import { FIRST_RECORD_OFFSET, Segments, syncDirectory } from "./segments.ts";
import { Spool } from "./spool.ts";

export interface SpoolOptions {
  readonly directory: string;
  readonly now: () => number;
  readonly clock: OutboxClock;
  /** A new name for this node, should the directory have none yet. */
  readonly newNodeId: () => string;
  /** Takes settlements and events over to the control plane. */
  readonly deliver: (nodeId: string) => Deliver;
  readonly report: SpoolReport;
  readonly segmentBytes?: number;
}

/** Hears what the operator should know. */
export interface SpoolReport {
  readonly damagedMessage: (messageId: string, damage: SpoolDamaged) => void;
  readonly damagedSegment: (path: string, offset: number) => void;
  /** It was set aside under this name, and another one made from the log. */
  readonly damagedIndex: (path: string) => void;
  readonly trouble: (error: unknown) => void;
}

export interface OpenSpool {
  readonly spool: Spool;
  readonly outbox: Outbox;
  /** This node's name for the control plane; it stays the same as long as the directory does. */
  readonly nodeId: string;
  readonly recovered: { readonly messages: number; readonly replayedRecords: number };
}

/**
 * Size of a segment: so large that a change of segment, with its checkpoint, is rare at full load, so small that a
 * spool with little in it takes little room.
 */
const SEGMENT_BYTES = 32 << 20;

export async function openSpool(options: SpoolOptions): Promise<OpenSpool> {
  const { directory, report, now } = options;
  const largeDirectory = join(directory, "large");
  await Deno.mkdir(largeDirectory, { recursive: true, mode: 0o700 });
  const segments = await Segments.open(join(directory, "segments"), options.segmentBytes ?? SEGMENT_BYTES);
  await syncDirectory(dirname(directory)); // `index.sync` does it for the directory itself
  for (const path of segments.damaged) report.damagedSegment(path, 0);
  const index = openIndex(join(directory, "index.db"), report.damagedIndex);
  index.releaseAll(now());
  const replayedRecords = await replay(segments, index, report);
  await index.sync();
  await removeOrphans(largeDirectory, index.largeMessages());
  const nodeId = index.getFact("node") ?? nameNode(index, options.newNodeId());
  const outbox = new Outbox(index, options.deliver(nodeId), options.clock, report.trouble);
  const log = new Log(segments, () => void spool.checkpoint().catch(report.trouble));
  const spool = new Spool({
    segments,
    log,
    index,
    outbox,
    largeDirectory,
    now,
    onDamage: report.damagedMessage,
    onTrouble: report.trouble,
  });
  return { spool, outbox, nodeId, recovered: { messages: spool.count(), replayedRecords } };
}

function nameNode(index: IndexStore, nodeId: string): string {
  index.setFact("node", nodeId);
  return nodeId;
}

/** Brings the index up to the log's end and lets go of the segments that nothing needs. */
async function replay(segments: Segments, index: IndexStore, report: SpoolReport): Promise<number> {
  const from = index.checkpoint ?? { generation: 0, offset: 0 };
  let records = 0, newest = from;
  for (const segment of segments.used()) {
    if (segment.generation < from.generation) continue;
    const offset = segment.generation === from.generation ? from.offset : FIRST_RECORD_OFFSET;
    const found: { meta: Meta; location: Location }[] = [];
    for await (
      const { record, location } of scan(segment, offset, (place) => report.damagedSegment(segment.path, place))
    ) {
      found.push({ meta: record.meta, location });
    }
    newest = { generation: segment.generation, offset: segments.sizeBytes };
    records += found.length;
    index.transaction(() => {
      for (const { meta, location } of found) apply(index, meta, location);
      index.checkpoint = newest;
    });
  }
  const live = index.liveByGeneration();
  await index.sync();
  for (const { generation } of segments.used()) if (!live.has(generation)) await segments.recycle(generation);
  return records;
}

function apply(index: IndexStore, { accept, moved, outcome, void: voided }: Meta, location: Location): void {
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
    const { envelope, large } = accept;
    const recipients = initialStates(envelope);
    const dueAt = envelope.receivedAt;
    index.put({ ...indexFacts(envelope), location, large: large !== undefined, dueAt, recipients });
    index.putOutbox([{ event: acceptedEvent(envelope), reservation: envelope.reservation }]);
  }
  if (moved !== undefined) {
    const row = index.get(moved.envelope.id);
    if (row !== undefined && !row.damaged) index.put({ ...row, location });
  }
  for (const id of voided ?? []) index.void(id);
}

/** A large content whose message was never accepted, or has ended, when the process died. */
async function removeOrphans(directory: string, wanted: ReadonlySet<string>): Promise<void> {
  for await (const { name } of Deno.readDir(directory)) {
    if (!wanted.has(name)) await Deno.remove(join(directory, name));
  }
}
