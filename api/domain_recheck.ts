/**
 * Looks the proofs of verified claims up again, each about once a day: a claim whose record is gone for days lapses, so
 * that a domain that was sold does not stay with its former owner.
 *
 * Trouble in the DNS proves nothing: it neither counts nor forgives, and the claim is looked at again in the next run.
 * May run at any time, and in several processes at once: a look counts only if no other came in between.
 */
import type { Kysely } from "kysely";
import { checkProof, proofOf, type ResolveTxt } from "./domain_proof.ts";
import { lapse, listVerified, recordCheck } from "./store/domains.ts";
import type { Database, DomainRow } from "./store/schema.ts";

const DAY_MS = 86_400_000;
/** Daily looks in a row without the record after which a claim lapses: a weekend's mistake can be mended. */
export const MISSED_CHECKS_TO_LAPSE = 3;
/** Claims looked up at a time. */
const AT_ONCE = 20;

export interface Recheck {
  readonly db: Kysely<Database>;
  readonly resolveTxt: ResolveTxt;
  /** Aborts when the process ends: no further claims are looked up then. */
  readonly closing: AbortSignal;
  /** A claim has lapsed. */
  readonly onLapse: (claim: { readonly username: string; readonly domain: string }) => void;
}

/** Looks at all claims that are due at `now` (epoch ms). @throws Error of the database. */
export const recheckDomains = async (
  { db, resolveTxt, closing, onLapse }: Recheck,
  now: number,
): Promise<void> => {
  const recheck = async (row: DomainRow): Promise<void> => {
    const check = await checkProof(resolveTxt, proofOf(row));
    if (check.kind === "failed") return;
    const missed = check.kind === "found" ? 0 : row.missed_checks + 1;
    if (missed < MISSED_CHECKS_TO_LAPSE) {
      await recordCheck(db, row, missed, now);
    } else if (await lapse(db, row, now)) {
      onLapse(row);
    }
  };
  let after = "";
  while (!closing.aborted) {
    const due = await listVerified(db, { checkedBefore: now - DAY_MS, after }, AT_ONCE);
    const last = due.at(-1);
    if (last === undefined) return;
    await Promise.all(due.map(recheck));
    after = last.domain;
  }
};
