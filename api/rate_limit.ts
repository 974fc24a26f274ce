/**
 * Counts requests in windows of time, by whatever they have in common, and says it in the header fields of
 * draft-ietf-httpapi-ratelimit-headers-10. Pure but for its memory, which is bounded. Each process counts for itself.
 */

export interface RatePolicy {
  /** As the header fields call it. */
  readonly name: string;
  /** Requests in a window. */
  readonly quota: number;
  readonly windowSeconds: number;
}

export interface RateAnswer {
  readonly allowed: boolean;
  /** Until the window ends, rounded up. */
  readonly resetSeconds: number;
  /** `RateLimit-Policy` and `RateLimit`. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Windows that are remembered; the oldest are forgotten first. */
const MAX_WINDOWS = 100_000;

interface Window {
  readonly since: number;
  count: number;
}

/** @returns counts one request of `key` at `now` (epoch ms), and says whether it is within the quota. */
export const createRateLimit = ({ name, quota, windowSeconds }: RatePolicy) => {
  const windows = new Map<string, Window>();
  const windowMs = windowSeconds * 1000;

  const windowOf = (key: string, now: number): Window => {
    const known = windows.get(key);
    // A clock that was set back does not make a window longer.
    if (known !== undefined && now >= known.since && now < known.since + windowMs) return known;
    windows.delete(key);
    const fresh = { since: now, count: 0 };
    windows.set(key, fresh);
    for (const oldest of windows.keys()) {
      if (windows.size <= MAX_WINDOWS) break;
      windows.delete(oldest);
    }
    return fresh;
  };

  return (key: string, now: number): RateAnswer => {
    const window = windowOf(key, now);
    window.count++;
    const resetSeconds = Math.ceil((window.since + windowMs - now) / 1000);
    return {
      allowed: window.count <= quota,
      resetSeconds,
      headers: {
        "ratelimit-policy": `"${name}";q=${quota};w=${windowSeconds}`,
        "ratelimit": `"${name}";r=${Math.max(0, quota - window.count)};t=${resetSeconds}`,
      },
    };
  };
};

export type RateLimit = ReturnType<typeof createRateLimit>;
