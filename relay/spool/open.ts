/**
 * Opens a node's spool: finds what an earlier process left, replays the log behind the checkpoint, and starts anew in
 * a fresh segment. Memory stays flat: what is found goes to the index, from where it is loaded as it is due.
 */
import { dirname, join } from "@std/path";
import type { NodeEvent } from "../../api/client.ts";
import { nameBoot } from "./boot_name.ts";
import type { SpoolDamaged } from "./errors.ts";
import { openIndex, refuseNewer } from "./index_opening.ts";
import type { IndexStore } from "./index_store.ts";
import { Log } from "./log.ts";
import { type Deliver, Outbox, type OutboxClock } from "./outbox.ts";
import { removeOrphans, replay } from "./replay.ts";
import { Segments, syncDirectory } from "./segments.ts";
import { Spool } from "./spool.ts";

export interface SpoolOptions {
  readonly directory: string;
  readonly now: () => number;
  readonly clock: OutboxClock;
  /** A new name for this node, should the directory have none yet. */
  readonly newNodeId: () => string;
  /** Takes settlements and events over to the control plane. */
  readonly deliver: (nodeId: string, boot: string) => Deliver;
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
  /** Something that is durable now, but for what is found at the start. */
  readonly event: (event: NodeEvent) => void;
}

export interface OpenSpool {
  readonly spool: Spool;
  readonly outbox: Outbox;
  /** This node's name for the control plane; it stays the same as long as the directory does. */
  readonly nodeId: string;
  /** The name of this start there; it sorts behind those of the starts before. */
  readonly boot: string;
  readonly recovered: { readonly messages: number; readonly replayedRecords: number };
}

/**
 * Size of a segment: so large that a change of segment, with its checkpoint, is rare at full load, so small that a
 * spool with little in it takes little room.
 */
export const SEGMENT_BYTES = 32 << 20;

/** @throws {SpoolTooNew} and leaves all as it is; or an Error of the file system or of SQLite. */
export async function openSpool(options: SpoolOptions): Promise<OpenSpool> {
  const { directory, report, now } = options;
  const indexPath = join(directory, "index.db");
  refuseNewer(indexPath);
  const largeDirectory = join(directory, "large");
  await Deno.mkdir(largeDirectory, { recursive: true, mode: 0o700 });
  const segments = await Segments.open(join(directory, "segments"), options.segmentBytes ?? SEGMENT_BYTES);
  await syncDirectory(dirname(directory)); // `index.sync` does it for the directory itself
  for (const path of segments.damaged) report.damagedSegment(path, 0);
  const index = openIndex(indexPath, report.damagedIndex);
  segments.continueBehind(index.checkpoint?.generation ?? 0);
  index.releaseAll(now());
  const replayedRecords = await replay(segments, index, report.damagedSegment);
  const nodeId = index.getFact("node") ?? nameNode(index, options.newNodeId());
  const boot = nameBoot(index, now());
  await index.sync(); // before anything is reserved under these names
  await removeOrphans(largeDirectory, index.largeMessages());
  // A disk that has no room is found out before anything is sent that could not be recorded then.
  segments.prepare();
  await segments.settle();
  if (segments.short) report.trouble(segments.trouble);
  const outbox = new Outbox(index, options.deliver(nodeId, boot), options.clock, report.trouble);
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
    onEvent: report.event,
  });
  return { spool, outbox, nodeId, boot, recovered: { messages: spool.count(), replayedRecords } };
}

function nameNode(index: IndexStore, nodeId: string): string {
  index.setFact("node", nodeId);
  return nodeId;
}
