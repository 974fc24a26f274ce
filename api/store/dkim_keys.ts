/**
 * Table `dkim_key`: the keys that sign the mail of claimed domains.
 *
 * Private keys are not encrypted: the key to do it with would stand beside the database, in the same directory, and
 * protect nothing from whoever reads that. What protects them is that the directory is the operator's alone, that only
 * `findSigningKeys` reads them, for nodes, and that a key's private part is erased when another takes its place.
 */
import type { Kysely } from "kysely";
import { domainsAround } from "../domain_name.ts";
import { exclusively } from "./dialect.ts";
import type { Database, DkimKeyRow, DomainRow } from "./schema.ts";

export type Algorithm = DkimKeyRow["algorithm"];
type Claim = Pick<DomainRow, "username" | "domain">;

/** What anybody may see of a key. */
export type PublicKeyRow = Omit<DkimKeyRow, "private_key">;

const PUBLIC_COLUMNS = [
  "username",
  "domain",
  "algorithm",
  "state",
  "selector",
  "public_key",
  "created_at",
  "changed_at",
] as const satisfies (keyof PublicKeyRow)[];

/** A key that has just been made is pending. @returns false where the claim has a pending key of that algorithm. */
export const insertDkimKey = async (db: Kysely<Database>, row: DkimKeyRow): Promise<boolean> => {
  const inserted = await db.insertInto("dkim_key").values(row)
    .onConflict((conflict) => conflict.doNothing()).executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
};

/** All keys of a claim, a handful, in the order in which they were made. */
export const listDkimKeys = (db: Kysely<Database>, { username, domain }: Claim): Promise<PublicKeyRow[]> =>
  db.selectFrom("dkim_key").select(PUBLIC_COLUMNS).where("username", "=", username).where("domain", "=", domain)
    .orderBy("created_at").orderBy("algorithm", "desc").execute();

/**
 * Makes a pending key the one that signs. The one before is retired and loses its private part, the one before that is
 * forgotten. One transaction, so that there is always a key that signs.
 *
 * @returns false where the key is not pending (any more).
 */
export const activateDkimKey = (
  db: Kysely<Database>,
  { username, domain, algorithm, selector }: PublicKeyRow,
  now: number,
): Promise<boolean> =>
  exclusively(db, [`DKIM keys ${username}`], async (transaction) => {
    const state = (state: DkimKeyRow["state"]) => ({ username, domain, algorithm, state });
    const pending = await transaction.selectFrom("dkim_key").select("selector")
      .where((row) => row.and({ ...state("pending"), selector })).executeTakeFirst();
    if (pending === undefined) return false;
    const active = await transaction.selectFrom("dkim_key").select("selector")
      .where((row) => row.and(state("active"))).executeTakeFirst();
    if (active !== undefined) {
      await transaction.deleteFrom("dkim_key").where((row) => row.and(state("retired"))).execute();
      await transaction.updateTable("dkim_key").where((row) => row.and(state("active")))
        .set({ state: "retired", private_key: null, changed_at: now }).execute();
    }
    await transaction.updateTable("dkim_key").where((row) => row.and(state("pending")))
      .set({ state: "active", changed_at: now }).execute();
    return true;
  });

/** @returns false where the claim has no such key. */
export const deleteDkimKey = async (
  db: Kysely<Database>,
  { username, domain, selector }: Claim & Pick<DkimKeyRow, "selector">,
): Promise<boolean> => {
  const deleted = await db.deleteFrom("dkim_key").where("username", "=", username).where("domain", "=", domain)
    .where("selector", "=", selector).executeTakeFirst();
  return deleted.numDeletedRows === 1n;
};

/** A key with what signs. */
export type SigningKeyRow = Pick<DkimKeyRow, "domain" | "selector" | "algorithm"> & { private_key: string };

/**
 * The keys that sign for `domain`: of the longest verified claim, among those that cover it, that has any.
 *
 * @param username whose claim it must be; null: anybody's.
 * @returns none, or some of one domain.
 */
export const findSigningKeys = async (
  db: Kysely<Database>,
  username: string | null,
  domain: string,
): Promise<SigningKeyRow[]> => {
  const names = domainsAround(domain);
  let query = db.selectFrom("dkim_key")
    .innerJoin(
      "domain",
      (join) => join.onRef("domain.username", "=", "dkim_key.username").onRef("domain.domain", "=", "dkim_key.domain"),
    )
    .select(["dkim_key.domain", "selector", "algorithm", "private_key"])
    .where("dkim_key.domain", "in", names).where("state", "=", "active").where("verified_at", "is not", null);
  if (username !== null) query = query.where("dkim_key.username", "=", username);
  const rows = await query.orderBy("algorithm", "desc").execute();
  const longest = names.find((name) => rows.some((row) => row.domain === name));
  return rows.flatMap(({ private_key, ...row }) =>
    row.domain === longest && private_key !== null ? [{ ...row, private_key }] : []
  );
};
