/**
 * Takes in recorded decisions of nodes; pruning.ts deletes them. What was refused to an account shows up here first:
 * by the brake, for its quota, or for its share of non-delivery reports. It gets a notice, once a day.
 */
import type { Kysely } from "kysely";
import { type DecisionChunk, decodeChunk, Reason, toVerdict, type Verdict } from "../policy/mod.ts";
import { dailyNotice, type Notice, type NoticeBoard } from "./notices.ts";
import { insertDecisionChunks } from "./store/decision_chunks.ts";
import type { Database, DecisionChunkRow } from "./store/schema.ts";
import { dayOf, rfc3339 } from "./utc_day.ts";

export interface DecisionLog {
  readonly db: Kysely<Database>;
  readonly notices: NoticeBoard;
  readonly log: (message: string, facts: Record<string, unknown>) => void;
}

/** Most decisions are none of these: nothing of them is read but the reason. */
const TOLD: ReadonlySet<Reason> = new Set([Reason.Braked, Reason.QuotaExceeded, Reason.NdrShareExceeded]);

/** What a refusal that was decided at `at` says of the account's day; null: nothing. */
function noticeOf(account: string, at: number, verdict: Verdict): Notice | null {
  switch (verdict.reason) {
    case Reason.Braked: {
      const { measure, used, limit, resetsAt } = verdict;
      const detail = { measure, used, limit, resetsAt: rfc3339(resetsAt) };
      return dailyNotice(account, dayOf(at), { type: "brake", detail });
    }
    case Reason.QuotaExceeded: {
      const { used, limit, need, resetsAt } = verdict;
      const detail = { used, limit, need, resetsAt: rfc3339(resetsAt) };
      return dailyNotice(account, dayUntil(resetsAt), { type: "quota-100", detail });
    }
    case Reason.NdrShareExceeded: {
      const { used, limit, resetsAt } = verdict;
      const detail = { ndr: used, limit, of: "share", resetsAt: rfc3339(resetsAt) } as const;
      return dailyNotice(account, dayUntil(resetsAt), { type: "ndr-share", detail });
    }
    default:
      return null;
  }
}

/** The day of the counters, by when it ends. The node's clock, by which `at` and the brake go, may show another. */
const dayUntil = (resetsAt: number): string => dayOf(resetsAt - 1);

/** @throws {BadChunk} a chunk is damaged: nothing is kept then. */
export async function recordDecisions(
  { db, notices, log }: DecisionLog,
  node: string,
  chunks: readonly { readonly id: string; readonly chunk: DecisionChunk }[],
): Promise<void> {
  const refused = new Map<string, Notice>();
  for (const { chunk } of chunks) {
    for (const { reason, account, at, data } of decodeChunk(chunk)) {
      if (account === null || !TOLD.has(reason)) continue;
      const notice = noticeOf(account, at, toVerdict(reason, data));
      if (notice !== null && !refused.has(notice.once)) refused.set(notice.once, notice);
    }
  }
  await insertDecisionChunks(db, chunks.map(({ id, chunk }) => rowOf(id, node, chunk)));
  for (const { type, account, detail } of await notices.say([...refused.values()])) {
    if (type === "brake") log("the brake holds an account back", { account, ...detail });
  }
}

function rowOf(id: string, node: string, { octets, ...head }: DecisionChunk): DecisionChunkRow {
  const { from, until, count } = head;
  return { id, node, from_at: from, until_at: until, count, head: JSON.stringify(head), octets };
}

export function chunkOfRow({ head, octets }: DecisionChunkRow): DecisionChunk {
  return { ...JSON.parse(head), octets: new Uint8Array(octets) };
}
