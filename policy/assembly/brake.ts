/**
 * The brake: an account whose volume, number of distinct recipients or share of refused recipients is far beyond its
 * habit is slowed. It protects all customers' reputation when a password was stolen, or a list was bought.
 *
 * Volume and recipients are compared with the busiest of the days that the habit is taken from, so a weekly or monthly
 * rhythm is a habit. An account without a habit yet is held by what it bought, and by the share of refused recipients.
 * What is below the floors is never too much. The operator can release an account until a moment.
 */
import { BrakeMeasure } from "./codes.ts";
import { dayNumber, nextMidnight } from "./day.ts";
import {
  BRAKE_FLOOR_RECIPIENTS,
  BRAKE_FLOOR_REFUSED,
  BRAKE_FLOOR_RELAYS,
  BRAKE_HABIT_DAYS,
  BRAKE_RECIPIENTS_PERCENT,
  BRAKE_REFUSED_PERCENT,
  BRAKE_RELAYS_PERCENT,
  BRAKE_RELEASED_UNTIL,
  HABIT_DAYS,
  HABIT_RECIPIENTS,
  HABIT_REFUSED_PERCENT,
  HABIT_RELAYS,
  NOW,
  OUTCOMES_TODAY,
  RECIPIENTS_TODAY,
  REFUSED_TODAY,
  USED_DAY,
  VERDICT_LIMIT,
  VERDICT_MEASURE,
  VERDICT_RESETS_AT,
  VERDICT_USED,
} from "./layout.ts";
import { needed } from "./price.ts";
import { usedToday } from "./quota.ts";
import { Reason } from "./reason.ts";

export function brake(): Reason {
  const now = load<f64>(NOW);
  if (load<f64>(BRAKE_RELEASED_UNTIL) > now) return Reason.Accepted;
  let reason = refusedShare();
  if (reason !== Reason.Accepted || load<f64>(HABIT_DAYS) < load<f64>(BRAKE_HABIT_DAYS)) return reason;
  reason = beyond(
    usedToday() + needed(),
    beyondHabit(BRAKE_FLOOR_RELAYS, HABIT_RELAYS, BRAKE_RELAYS_PERCENT),
    BrakeMeasure.Relays,
  );
  if (reason !== Reason.Accepted) return reason;
  return beyond(
    today(RECIPIENTS_TODAY),
    beyondHabit(BRAKE_FLOOR_RECIPIENTS, HABIT_RECIPIENTS, BRAKE_RECIPIENTS_PERCENT),
    BrakeMeasure.Recipients,
  );
}

/** The share may be so many points above the habit's. */
function refusedShare(): Reason {
  const refused = today(REFUSED_TODAY);
  if (refused <= load<f64>(BRAKE_FLOOR_REFUSED)) return Reason.Accepted;
  const share = Math.floor((refused * 100) / Math.max(today(OUTCOMES_TODAY), refused));
  const limit = load<f64>(HABIT_REFUSED_PERCENT) + load<f64>(BRAKE_REFUSED_PERCENT);
  return beyond(share, limit, BrakeMeasure.RefusedRecipients);
}

function beyondHabit(floor: i32, habit: i32, percent: i32): f64 {
  return Math.max(load<f64>(floor), Math.floor((load<f64>(habit) * load<f64>(percent)) / 100));
}

function beyond(value: f64, limit: f64, measure: BrakeMeasure): Reason {
  if (value <= limit) return Reason.Accepted;
  store<f64>(VERDICT_USED, value);
  store<f64>(VERDICT_LIMIT, limit);
  store<f64>(VERDICT_MEASURE, measure);
  store<f64>(VERDICT_RESETS_AT, nextMidnight(load<f64>(NOW)));
  return Reason.Braked;
}

/** A count of an earlier day is over. */
function today(field: i32): f64 {
  return load<f64>(USED_DAY) < dayNumber(load<f64>(NOW)) ? 0 : load<f64>(field);
}
