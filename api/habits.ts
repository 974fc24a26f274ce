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

export type Habits = (username: string, now: number) => Promise<Habit>;

export const createHabits = (db: Kysely<Database>): Habits => {
  let keptFor = "";
  // Those that are being looked up too, so that a burst of an account's mail asks once.
  const kept = new Map<string, Promise<Habit>>();
  return async (username, now) => {
    const today = dayOf(now);
    if (today !== keptFor) {
      kept.clear();
      keptFor = today;
    }
    const known = kept.get(username);
    if (known !== undefined) return known;
    const habit = findHabit(db, username, now);
    kept.set(username, habit);
    habit.catch(() => kept.delete(username));
    for (const oldest of kept.keys()) {
      if (kept.size <= MAX_KEPT) break;
      kept.delete(oldest);
    }
    return await habit;
  };
};

const findHabit = async (db: Kysely<Database>, username: string, now: number): Promise<Habit> => {
  const since = dayOf(now - HABIT_DAYS * DAY_MS), until = dayOf(now);
  const [usage, activity] = await Promise.all([
    summarizeUsage(db, username, since, until),
    summarizeActivity(db, username, since, until),
  ]);
  const { recipients, outcomes, refused } = activity;
  return { ...usage, recipients, refusedPercent: outcomes === 0 ? 0 : Math.floor((refused * 100) / outcomes) };
};
