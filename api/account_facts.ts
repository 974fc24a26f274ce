/** Collects what a node must know of accounts: status, blocks, choices, what was used of the day, and the habit. */
import type { Kysely } from "kysely";
import type { Counters, Usage } from "./counters/counters.ts";
import { CountersUnavailable } from "./counters/trouble.ts";
import type { Habits } from "./habits.ts";
import { type Account, findAccounts } from "./store/accounts.ts";
import { findActivity } from "./store/activity.ts";
import { findBlockFacts } from "./store/blocks.ts";
import { findSuppressing } from "./store/suppressions.ts";
import type { Database } from "./store/schema.ts";
import type { Used } from "./store/usage.ts";
import { dayOf } from "./utc_day.ts";
import type { AccountFacts } from "./wire.ts";

/** The part that the counters do not know. */
export type Standing = Omit<AccountFacts, "day" | "used">;

export interface AccountSources {
  readonly db: Kysely<Database>;
  readonly habits: Habits;
}

const NO_ACTIVITY = { recipients: 0, outcomes: 0, refused: 0 };

/** Those of `usernames` that exist. */
export const findStandings = async (
  { db, habits }: AccountSources,
  usernames: readonly string[],
  now: number,
): Promise<Map<string, Standing>> => {
  if (usernames.length === 0) return new Map();
  const [accounts, blocks, activity, suppressing] = await Promise.all([
    findAccounts(db, usernames),
    findBlockFacts(db, usernames, now),
    findActivity(db, usernames, dayOf(now)),
    findSuppressing(db, usernames),
  ]);
  const known = await habits(accounts.map(({ username }) => username), now);
  const standing = (account: Account): [string, Standing] => {
    const { username, status, ndr_choice, ndr_share_percent, brake_released_until } = account;
    const { recipients, outcomes, refused } = activity.get(username) ?? NO_ACTIVITY;
    return [username, {
      username,
      status,
      blocks: blocks.get(username) ?? [],
      ndr: { choice: ndr_choice, sharePercent: ndr_share_percent },
      today: { recipients, outcomes, refused },
      habit: known.get(username)!,
      brakeReleasedUntil: brake_released_until,
      suppresses: suppressing.has(username),
    }];
  };
  return new Map(accounts.map(standing));
};

/** What an account has spent of a day, as people count it: without what nodes have leased and not settled yet. */
export const spent = ({ used, ndr, leased }: Used = { used: 0, ndr: 0, leased: 0 }): Pick<Used, "used" | "ndr"> => ({
  used: used - leased,
  ndr,
});

export const findAccountFacts = async (
  sources: AccountSources,
  counters: Counters,
  username: string,
  /** Epoch ms. */
  clock: () => number,
): Promise<AccountFacts | undefined> => {
  const { day, now, used } = await usageOf(username, counters, clock);
  const standing = (await findStandings(sources, [username], now)).get(username);
  if (standing === undefined) return undefined;
  return { ...standing, day, used: spent(used.get(username)).used };
};

/**
 * Without the counters nothing is known to be used: the rest of the facts holds, and whether there is anything left is
 * for the reservation to say, which a node has from a lease or not at all.
 */
const usageOf = async (username: string, counters: Counters, clock: () => number): Promise<Usage> => {
  try {
    return await counters.today([username]);
  } catch (error) {
    if (!(error instanceof CountersUnavailable)) throw error;
    const now = clock();
    return { day: dayOf(now), now, used: new Map() };
  }
};
