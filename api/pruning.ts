/**
 * Deletes what was kept for its time (history and notices, recorded decisions, audit log, the counters of past days) and
 * what an account has too many of (addresses that failed for good). No other table of the control database grows with
 * the mail.
 *
 * In small steps, each a short transaction, with pauses between them, so that what nodes ask and tell meanwhile waits
 * for one step at the most.
 */
import type { Kysely } from "kysely";
import { KEEP_AUDIT_MS } from "./audit_log.ts";
import { firstKeptDay } from "./counters/kept_days.ts";
import { pruneActivity } from "./store/activity.ts";
import { pruneAudit } from "./store/audit.ts";
import { pruneDecisionChunks } from "./store/decision_chunks.ts";
import type { Position } from "./store/message_search.ts";
import { pruneMessages } from "./store/messages.ts";
import { pruneNotices } from "./store/notices.ts";
import { pruneReservations } from "./store/reservations.ts";
import type { Database } from "./store/schema.ts";
import { pruneSuppressions } from "./store/suppressions.ts";
import { pruneUsage } from "./store/usage.ts";

/**
 * Added to the longest that a message is under way, before it is taken for lost: for a node that was cut off and tells
 * late, or expires messages later than this control plane knows.
 */
const CUT_OFF_MS = 7 * 86_400_000;

export interface Pruning {
  readonly db: Kysely<Database>;
  /** How long recorded decisions are kept. */
  readonly keepDecisionsMs: number;
  /** How long messages are kept after they came, and notices. */
  readonly keepHistoryMs: number;
  /** The age of a message at which it is given up. */
  readonly expiryMs: number;
  /** Between two steps: lets others have the database, and the process its events. */
  readonly pause: () => Promise<void>;
}

/**
 * @param now epoch milliseconds.
 * @param closing aborts when the process ends: the rest waits for the next time.
 */
export async function prune(
  { db, keepDecisionsMs, keepHistoryMs, expiryMs, pause }: Pruning,
  now: number,
  closing: AbortSignal,
): Promise<void> {
  const inSteps = async (step: () => Promise<boolean>) => {
    while (!closing.aborted && await step()) await pause();
  };
  const keptSince = now - keepHistoryMs, day = firstKeptDay(now);
  const lostBefore = keptSince - expiryMs - CUT_OFF_MS;
  let behind: Position | null = null;
  await inSteps(async () => (behind = await pruneMessages(db, keptSince, lostBefore, behind)) !== null);
  await inSteps(() => pruneNotices(db, keptSince));
  await inSteps(() => pruneDecisionChunks(db, now - keepDecisionsMs));
  await inSteps(() => pruneAudit(db, now - KEEP_AUDIT_MS));
  // Before the sums that they changed: what is refunded late then finds neither.
  await inSteps(() => pruneReservations(db, day));
  await inSteps(() => pruneUsage(db, day));
  await inSteps(() => pruneActivity(db, day));
  let account: string | null = "";
  await inSteps(async () => (account = await pruneSuppressions(db, account ?? "")) !== null);
}
