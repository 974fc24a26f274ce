/** The service's rules for relays, written down once more without any cleverness: what module and source must agree with. */
import { type AccountFacts, type Block, Reason, type Verdict } from "../../policy/mod.ts";

/** Counting by hand. */
export function naivePrice(sizeBytes: number, recipients: number, stepBytes: number): number {
  let each = 1;
  for (let rest = sizeBytes; rest >= stepBytes; rest -= stepBytes) each++;
  return each * recipients;
}

/** As Date has it. */
export function naiveDay(now: number): { day: string; resetsAt: number } {
  const date = new Date(now);
  return { day: date.toISOString().slice(0, 10), resetsAt: date.setUTCHours(24, 0, 0, 0) };
}

export function naiveCap(blocks: readonly Block[], now: number, relaysPerBlock: number): number {
  return blocks.filter((block) => block.activatesAt <= now).reduce((sum, b) => sum + b.quantity * relaysPerBlock, 0);
}

/** Suspended, no block, pending, quota. */
export function naiveQuota(account: AccountFacts, now: number, need: number, relaysPerBlock: number): Verdict {
  const { day, resetsAt } = naiveDay(now);
  const limit = naiveCap(account.blocks, now, relaysPerBlock);
  const pending = account.blocks.map((block) => block.activatesAt).filter((at) => at > now).sort((a, b) => a - b);
  const used = account.day < day ? 0 : account.used;
  if (account.status === "suspended") return { reason: Reason.AccountSuspended };
  if (account.blocks.length === 0) return { reason: Reason.NoBlock };
  if (limit === 0) return { reason: Reason.BlockPending, activatesAt: pending[0] ?? NaN };
  if (used + need <= limit) return { reason: Reason.Accepted };
  const pendingActivatesAt = pending.find((at) => at < resetsAt) ?? null;
  return { reason: Reason.QuotaExceeded, used, limit, need, resetsAt, pendingActivatesAt };
}
