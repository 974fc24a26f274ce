/**
 * Takes in recorded decisions of nodes; pruning.ts deletes them. An account that the brake refused shows up
 * here first: account and operator get a notice, once a day.
 */
import type { Kysely } from "kysely";
import { type Braked, type DecisionChunk, decodeChunk, Reason, toVerdict, type Verdict } from "../policy/mod.ts";
import { insertDecisionChunks } from "./store/decision_chunks.ts";
import { insertNotice } from "./store/notices.ts";
import type { Database, DecisionChunkRow } from "./store/schema.ts";
import { dayOf } from "./utc_day.ts";

export interface DecisionLog {
  readonly db: Kysely<Database>;
  readonly now: () => number;
  readonly newId: () => string;
  readonly log: (message: string, facts: Record<string, unknown>) => void;
}

/** @throws {BadChunk} a chunk is damaged: nothing is kept then. */
export async function recordDecisions(
  { db, now, newId, log }: DecisionLog,
  node: string,
  chunks: readonly { readonly id: string; readonly chunk: DecisionChunk }[],
): Promise<void> {
  const braked = new Map<string, { account: string; at: number; verdict: Verdict }>();
  for (const { chunk } of chunks) {
    for (const { reason, account, at, data } of decodeChunk(chunk)) {
      if (reason !== Reason.Braked || account === null) continue;
      const once = `brake ${account} ${dayOf(at)}`;
      if (!braked.has(once)) braked.set(once, { account, at, verdict: toVerdict(reason, data) });
    }
  }
  await insertDecisionChunks(db, chunks.map(({ id, chunk }) => rowOf(id, node, chunk)));
  for (const [once, { account, at, verdict }] of braked) {
    const { measure, used, limit } = verdict as Braked;
    const detail = JSON.stringify({ measure, used, limit });
    const isNew = await insertNotice(db, { id: newId(), at: now(), account, type: "brake", detail, once });
    if (isNew) log("the brake holds an account back", { account, at, measure, used, limit });
  }
}

function rowOf(id: string, node: string, { octets, ...head }: DecisionChunk): DecisionChunkRow {
  const { from, until, count } = head;
  return { id, node, from_at: from, until_at: until, count, head: JSON.stringify(head), octets };
}

export function chunkOfRow({ head, octets }: DecisionChunkRow): DecisionChunk {
  return { ...JSON.parse(head), octets: new Uint8Array(octets) };
}
