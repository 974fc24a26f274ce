/**
 * Table `domain`: which accounts claim which domains, and whose claim is verified. Names are those of ../domain_name.ts.
 *
 * A verified claim covers the domain and what lies below it; where verified claims nest, the longest counts.
 */
import type { Kysely } from "kysely";
import { domainsAround } from "../domain_name.ts";
import { chunks } from "./chunks.ts";
import { exclusively } from "./dialect.ts";
import type { Database, DomainRow } from "./schema.ts";

type Claim = Pick<DomainRow, "username" | "domain">;

/** @returns false where the account has such a claim. */
export const insertDomain = async (db: Kysely<Database>, row: DomainRow): Promise<boolean> => {
  const inserted = await db.insertInto("domain").values(row)
    .onConflict((conflict) => conflict.doNothing()).executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
};

export const findDomain = (db: Kysely<Database>, { username, domain }: Claim): Promise<DomainRow | undefined> =>
  db.selectFrom("domain").selectAll().where("username", "=", username).where("domain", "=", domain)
    .executeTakeFirst();

/** At most `limit` claims of an account behind the domain `after`, in the order of their names. */
export const listDomains = (
  db: Kysely<Database>,
  username: string,
  after: string,
  limit: number,
): Promise<DomainRow[]> =>
  db.selectFrom("domain").selectAll().where("username", "=", username).where("domain", ">", after)
    .orderBy("domain").limit(limit).execute();

/** @returns false where the account has no such claim. */
export const deleteDomain = async (db: Kysely<Database>, { username, domain }: Claim): Promise<boolean> => {
  const deleted = await db.deleteFrom("domain").where("username", "=", username).where("domain", "=", domain)
    .executeTakeFirst();
  return deleted.numDeletedRows === 1n;
};

/** For each of `domains` the account whose verified claim covers it, or null, in their order. */
export const findOwners = async (
  db: Kysely<Database>,
  domains: readonly string[],
): Promise<(string | null)[]> => {
  const around = domains.map(domainsAround);
  const owners = new Map<string, string>();
  for (const names of chunks([...new Set(around.flat())])) {
    const rows = await db.selectFrom("domain").select(["domain", "username"])
      .where("domain", "in", names).where("verified_at", "is not", null).execute();
    for (const { domain, username } of rows) owners.set(domain, username);
  }
  return around.map((names) => owners.get(names.find((name) => owners.has(name)) ?? "") ?? null);
};

/**
 * Verifies a claim whose proof was found, unless another account's verified claim covers the domain: the first one
 * stands. One transaction, so that of two racers one wins.
 *
 * @returns the claim as it is now; undefined where it is gone, or was made anew since its proof was looked up.
 */
export const verifyDomain = (
  db: Kysely<Database>,
  { username, domain, token }: DomainRow,
  now: number,
): Promise<DomainRow | "taken" | undefined> =>
  exclusively(db, ["verified domains"], async (transaction) => {
    const [owner] = await findOwners(transaction, [domain]);
    if (typeof owner === "string" && owner !== username) return "taken";
    return await transaction.updateTable("domain")
      .set((row) => ({
        verified_at: row.fn.coalesce("verified_at", row.val(now)),
        checked_at: now,
        missed_checks: 0,
      }))
      .where("username", "=", username).where("domain", "=", domain).where("token", "=", token)
      .returningAll().executeTakeFirst();
  });

/** At most `limit` verified claims that were last looked at by `checkedBefore`, in the order of their names. */
export const listVerified = (
  db: Kysely<Database>,
  { checkedBefore, after }: { readonly checkedBefore: number; readonly after: string },
  limit: number,
): Promise<DomainRow[]> =>
  db.selectFrom("domain").selectAll().where("verified_at", "is not", null)
    .where("checked_at", "<=", checkedBefore).where("domain", ">", after)
    .orderBy("domain").limit(limit).execute();

/** The claim as it was read: a change in between makes the statement do nothing. */
const unchanged = (db: Kysely<Database>, { username, domain, token, checked_at }: DomainRow) =>
  db.updateTable("domain").where("username", "=", username).where("domain", "=", domain)
    .where("token", "=", token).where("checked_at", "=", checked_at);

/** Keeps what a daily look at a verified claim found. */
export const recordCheck = async (
  db: Kysely<Database>,
  row: DomainRow,
  missedChecks: number,
  now: number,
): Promise<void> => {
  await unchanged(db, row).set({ checked_at: now, missed_checks: missedChecks }).execute();
};

/** Makes a verified claim pending again. @returns false where it had changed meanwhile. */
export const lapse = async (db: Kysely<Database>, row: DomainRow, now: number): Promise<boolean> => {
  const updated = await unchanged(db, row).set({ verified_at: null, checked_at: now, missed_checks: 0 })
    .executeTakeFirst();
  return updated.numUpdatedRows === 1n;
};
