/**
 * When a deferred recipient is tried again, and when its time is up.
 *
 * Pure. Intervals double up to four hours, each longer or shorter by up to a fifth so that what failed together does
 * not come back together (RFC 5321 4.5.4.1: at least 30 minutes on the whole, and 4 to 5 days before giving up). One
 * attempt is due exactly when the sender is to be warned, so that the warning is sharp and says what is true then:
 *
 * | after attempt | next one in                 | about, since acceptance       |
 * |---------------|-----------------------------|-------------------------------|
 * | 1             | 5 min                       | 5 min                         |
 * | 2             | 10 min                      | 15 min                        |
 * | 3             | 20 min                      | 35 min                        |
 * | 4             | 40 min                      | 1 h 15 min                    |
 * | 5             | 1 h 20 min                  | 2 h 35 min                    |
 * | 6             | 2 h 40 min, cut at 4 hours  | 4 h; the sender is warned     |
 * | 7 and more    | 4 h                         | 8 h, 12 h …                   |
 * | the last one  | at 5 days                   | 5 days                        |
 */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export interface RetrySchedule {
  readonly firstIntervalMs: number;
  readonly longestIntervalMs: number;
  /** Age of a message from which on a deferral is reported to the sender, once. */
  readonly delayWarningMs: number;
  /** Age of a message at which a deferral ends it; four to five days at least (RFC 5321 4.5.4.1). */
  readonly expiryMs: number;
}

export const RETRY_SCHEDULE: RetrySchedule = {
  firstIntervalMs: 5 * MINUTE_MS,
  longestIntervalMs: 4 * HOUR_MS,
  delayWarningMs: 4 * HOUR_MS,
  expiryMs: 5 * 24 * HOUR_MS,
};

/** Nobody stays away longer than this from a line that may have become short, in ms. */
export const LONGEST_POSTPONEMENT_MS = 5 * MINUTE_MS;

/** By how much of itself an interval varies, up and down. */
const JITTER = 0.2;

/**
 * When to try again after a deferral, in epoch ms, or null when the time is up. One attempt is due exactly at the time
 * of the warning; the last one exactly at the expiry, so the whole time is used.
 *
 * @param attempts made so far, the deferred one included; at least 1.
 * @param random in [0, 1).
 * @param notBefore epoch ms: it need not be tried earlier.
 */
export function nextAttemptAt(
  attempts: number,
  receivedAt: number,
  now: number,
  random: number,
  schedule: RetrySchedule = RETRY_SCHEDULE,
  notBefore = 0,
): number | null {
  const expiresAt = receivedAt + schedule.expiryMs;
  if (now >= expiresAt) return null;
  const warnsAt = receivedAt + schedule.delayWarningMs;
  const interval = Math.min(schedule.firstIntervalMs * 2 ** (attempts - 1), schedule.longestIntervalMs);
  const jittered = now + Math.round(interval * (1 + JITTER * (2 * random - 1)));
  const next = Math.min(Math.max(jittered, notBefore), expiresAt);
  return now < warnsAt ? Math.min(next, warnsAt) : next;
}
