/** Collects what a node must know of accounts: status, blocks, and what was used of the day. */
import type { Kysely } from "kysely";
import type { Counters } from "./counters/counters.ts";
import { findAccounts } from "./store/accounts.ts";
import { findBlockFacts } from "./store/blocks.ts";
import type { Database } from "./store/schema.ts";
import type { AccountFacts, BlockFacts } from "./wire.ts";

/** The part that the counters do not know. */
export interface Standing {
  readonly username: string;
  readonly status: AccountFacts["status"];
  readonly blocks: readonly BlockFacts[];
}

/** Those of `usernames` that exist. */
export const findStandings = async (
  db: Kysely<Database>,
  usernames: readonly string[],
  now: number,
): Promise<Map<string, Standing>> => {
  if (usernames.length === 0) return new Map();
  const [accounts, blocks] = await Promise.all([findAccounts(db, usernames), findBlockFacts(db, usernames, now)]);
  return new Map(accounts.map(({ username, status }) => [
    username,
    { username, status, blocks: blocks.get(username) ?? [] },
  ]));
};

export const findAccountFacts = async (
  db: Kysely<Database>,
  counters: Counters,
  username: string,
): Promise<AccountFacts | undefined> => {
  const { day, now, used } = await counters.today([username]);
  const standing = (await findStandings(db, [username], now)).get(username);
  if (standing === undefined) return undefined;
  return { ...standing, day, used: used.get(username) ?? 0 };
};
