/**
 * An account's habit, from the days before today: what the brake compares the day with. What still comes in for those
 * days hardly changes it, so it is kept in memory for the day, for a bounded number of accounts.
 */
import type { Kysely } from "kysely";
import { summarizeActivity } from "./store/activity.ts";
import type { Database } from "./store/schema.ts";
import { summarizeUsage } from "./store/usage.ts";
import { dayOf } from "./utc_day.ts";
import type { Habit } from "./wire.ts";

/** Four weeks: a monthly rhythm shows in them at least once. */
const HABIT_DAYS = 28;
const DAY_MS = 86_400_000;
/** About 200 octets each; the oldest are forgotten first. */
const MAX_KEPT = 10_000;

/** Of each of `usernames`. */
export type Habits = (usernames: readonly string[], now: number) => Promise<ReadonlyMap<string, Habit>>;

export const createHabits = (db: Kysely<Database>): Habits => {
  let keptFor = "";
  // Those that are being looked up too, so that a burst of an account's mail asks once.
  const kept = new Map<string, Promise<Habit>>();
  return async (usernames, now) => {
    const today = dayOf(now);
    if (today !== keptFor) {
      kept.clear();
      keptFor = today;
    }
    const unknown = usernames.filter((username) => !kept.has(username));
    const found = unknown.length === 0 ? undefined : findHabits(db, unknown, now);
    for (const username of unknown) {
      const habit = found!.then((habits) => habits.get(username)!);
      kept.set(username, habit);
      habit.catch(() => kept.delete(username));
    }
    const asked = usernames.map(async (username) => [username, await kept.get(username)!] as const);
    for (const oldest of kept.keys()) {
      if (kept.size <= MAX_KEPT) break;
      kept.delete(oldest);
    }
    return new Map(await Promise.all(asked));
  };
};

const NOTHING = { days: 0, relays: 0, recipients: 0, outcomes: 0, refused: 0 };

const findHabits = async (
  db: Kysely<Database>,
  usernames: readonly string[],
  now: number,
): Promise<Map<string, Habit>> => {
  const since = dayOf(now - HABIT_DAYS * DAY_MS), until = dayOf(now);
  const [usage, activity] = await Promise.all([
    summarizeUsage(db, usernames, since, until),
    summarizeActivity(db, usernames, since, until),
  ]);
  return new Map(usernames.map((username): [string, Habit] => {
    const { outcomes, refused, ...habit } = { ...NOTHING, ...usage.get(username), ...activity.get(username) };
    return [username, { ...habit, refusedPercent: outcomes === 0 ? 0 : Math.floor((refused * 100) / outcomes) }];
  }));
};
