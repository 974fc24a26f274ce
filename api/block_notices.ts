/**
 * Says when blocks have begun to count, and when they have ended. Nothing happens at those instants, so it is looked at
 * from time to time, whichever control plane comes first; what was said once is not found again.
 */
import type { Kysely } from "kysely";
import type { Caps } from "./counters/counters.ts";
import type { NoticeContent } from "./notice_words.ts";
import type { NoticeBoard } from "./notices.ts";
import { BLOCK_TURNS, findBlockFacts, findUntoldBlocks } from "./store/blocks.ts";
import type { BlockRow, Database } from "./store/schema.ts";
import { rfc3339 } from "./utc_day.ts";

export interface BlockNotices {
  readonly db: Kysely<Database>;
  readonly caps: Pick<Caps, "cap">;
  readonly notices: NoticeBoard;
}

/**
 * What began or ended longer ago, while no control plane ran, is no news. Less than notices are kept, so that none is
 * said again once it is deleted.
 */
const NEWS_MS = 12 * 3_600_000;
/** Blocks that one step looks at: what nodes ask meanwhile waits for one step at the most. */
const BATCH = 200;

type Turn = keyof typeof BLOCK_TURNS;

/**
 * @param now epoch milliseconds.
 * @param closing aborts when the process ends: the rest waits for the next time.
 */
export async function sayBlocks(sources: BlockNotices, now: number, closing: AbortSignal): Promise<void> {
  for (const turn of Object.keys(BLOCK_TURNS) as Turn[]) {
    while (!closing.aborted && await sayOf(sources, turn, now));
  }
}

/** @returns whether there may be more. */
async function sayOf({ db, caps, notices }: BlockNotices, turn: Turn, now: number): Promise<boolean> {
  const rows = await findUntoldBlocks(db, turn, now - NEWS_MS, now, BATCH);
  if (rows.length === 0) return false;
  const counting = await findBlockFacts(db, [...new Set(rows.map(({ username }) => username))], now);
  const said = await notices.say(rows.map((row) => ({
    ...contentOf(turn, row, caps.cap(counting.get(row.username) ?? [], now)),
    account: row.username,
    once: `${BLOCK_TURNS[turn].once}${row.id}`,
  })));
  return said.length === BATCH;
}

function contentOf(turn: Turn, row: BlockRow, limit: number): NoticeContent {
  const { id: block, quantity, activates_at, cancelled_at } = row;
  const facts = { block, quantity, limit };
  return turn === "block-activated"
    ? { type: turn, detail: { ...facts, activatedAt: rfc3339(activates_at) } }
    : { type: turn, detail: { ...facts, endedAt: rfc3339(cancelled_at ?? activates_at) } };
}
