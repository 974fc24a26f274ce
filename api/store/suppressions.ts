/**
 * Tables `suppression` and `suppression_choice`: addresses that failed for good with an account's mail, and what the
 * account wants of further mail to them. An address stands until it is cleared, or the account has too many.
 */
import type { Kysely, Transaction } from "kysely";
import { addressKey } from "../address_key.ts";
import type { AttemptEvent } from "../wire.ts";
import { chunks } from "./chunks.ts";
import { exclusively } from "./dialect.ts";
import { remembered } from "./remembered.ts";
import { inOneOrder } from "./row_order.ts";
import type { Database, SuppressionChoiceRow, SuppressionRow } from "./schema.ts";

export type SuppressionChoice = SuppressionChoiceRow["choice"];

/**
 * Addresses that are kept for an account: a list with so many bad ones is not worth mailing to. Those that failed
 * longest ago go first: one that is written to again fails again, and is back.
 */
export const MAX_SUPPRESSIONS = 10_000;
/** Addresses that one step of pruning deletes. */
const PRUNE_BATCH = 500;
/** Accounts that it looks at: their addresses are counted. */
const PRUNED_ACCOUNTS = 20;

/** Of accounts that have not chosen: their sender learns of it at once, and it costs nothing. */
const DEFAULT_CHOICE: SuppressionChoice = "refuse";

/** Remembers the recipients of bounces; one that is there already gets the new words. */
export const suppress = async (db: Transaction<Database>, bounces: readonly AttemptEvent[]): Promise<void> => {
  const rows = new Map<string, SuppressionRow>();
  for (const { account: username, recipients, reply, messageId: message_id, at: failed_at } of bounces) {
    for (const address of recipients) {
      const address_key = addressKey(address);
      const row = { username, address_key, address, reply, message_id, failed_at };
      rows.set(keyOf(row), row);
    }
  }
  for (const chunk of chunks(inOneOrder(rows))) {
    await db.insertInto("suppression").values(chunk)
      .onConflict((conflict) =>
        conflict.columns(["username", "address_key"]).doUpdateSet((row) => ({
          reply: row.ref("excluded.reply"),
          message_id: row.ref("excluded.message_id"),
          failed_at: row.ref("excluded.failed_at"),
        }))
      ).execute();
  }
};

/** Names that PostgreSQL keeps as one are one: a statement may name a row once only. */
const keyOf = ({ username, address_key }: Pick<SuppressionRow, "username" | "address_key">): string =>
  JSON.stringify([username.toWellFormed(), address_key.toWellFormed()]);

/** At most `limit` of an account behind the key `after`, in the order of their keys. */
export const listSuppressions = (
  db: Kysely<Database>,
  username: string,
  after: string,
  limit: number,
): Promise<SuppressionRow[]> =>
  db.selectFrom("suppression").selectAll().where("username", "=", username).where("address_key", ">", after)
    .orderBy("address_key").limit(limit).execute();

/** @param address one, or null: all of the account. @returns how many there were. */
export const clearSuppressions = async (
  db: Kysely<Database>,
  username: string,
  address: string | null,
): Promise<number> => {
  let query = db.deleteFrom("suppression").where("username", "=", username);
  if (address !== null) query = query.where("address_key", "=", addressKey(address));
  return Number((await query.executeTakeFirst()).numDeletedRows);
};

/**
 * Deletes some of what one of the accounts behind `behind`, in the order of names, has over MAX_SUPPRESSIONS.
 *
 * @returns where to go on; null: there is no further account.
 */
export const pruneSuppressions = (db: Kysely<Database>, behind: string): Promise<string | null> =>
  exclusively(db, ["suppressions' pruning"], async (transaction) => {
    const accounts = await transaction.selectFrom("suppression")
      .select(["username", (row) => row.fn.countAll<number>().as("count")]).where("username", ">", behind)
      .groupBy("username").orderBy("username").limit(PRUNED_ACCOUNTS).execute();
    const most = accounts.find(({ count }) => Number(count) > MAX_SUPPRESSIONS);
    if (most === undefined) return accounts[PRUNED_ACCOUNTS - 1]?.username ?? null;
    const { username } = most, surplus = Number(most.count) - MAX_SUPPRESSIONS;
    await transaction.deleteFrom("suppression").where("username", "=", username)
      .where((row) =>
        row(
          "address_key",
          "in",
          row.selectFrom("suppression").select("address_key").where("username", "=", username)
            .orderBy("failed_at").orderBy("address_key").limit(Math.min(surplus, PRUNE_BATCH)),
        )
      ).execute();
    return surplus > PRUNE_BATCH ? behind : username;
  });

/** The row of an address, or undefined. */
export const findSuppression = (
  db: Kysely<Database>,
  username: string,
  address: string,
): Promise<SuppressionRow | undefined> =>
  db.selectFrom("suppression").selectAll().where("username", "=", username)
    .where("address_key", "=", addressKey(address)).executeTakeFirst();

export const findSuppressionChoice = async (db: Kysely<Database>, username: string): Promise<SuppressionChoice> => {
  const row = await db.selectFrom("suppression_choice").select("choice").where("username", "=", username)
    .executeTakeFirst();
  return row?.choice ?? DEFAULT_CHOICE;
};

export const setSuppressionChoice = async (db: Kysely<Database>, row: SuppressionChoiceRow): Promise<void> => {
  await db.insertInto("suppression_choice").values(row)
    .onConflict((conflict) => conflict.column("username").doUpdateSet({ choice: row.choice })).execute();
};

const findSuppressingNames = remembered((db, usernames: readonly string[]) =>
  db.selectFrom("account").select("username").where("username", "in", usernames)
    .where((row) =>
      row.exists(
        row.selectFrom("suppression").select("address_key").whereRef("suppression.username", "=", "account.username"),
      )
    )
    .where((row) =>
      row.not(
        row.exists(
          row.selectFrom("suppression_choice").select("choice")
            .whereRef("suppression_choice.username", "=", "account.username").where("choice", "=", "off"),
        ),
      )
    )
);

/** Those of `usernames` that have suppressed addresses and want them refused or skipped. */
export const findSuppressing = async (db: Kysely<Database>, usernames: readonly string[]): Promise<Set<string>> => {
  const rows = await findSuppressingNames(db, usernames);
  return new Set(rows.map(({ username }) => username));
};
