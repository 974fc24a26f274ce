/**
 * Whether a destination is left alone because none of its hosts could be reached, and when it is probed.
 *
 * Pure. After a few attempts in a row that found no session with any host, the destination is suspended: its messages
 * are deferred with the words of the last failure, without an attempt of their own, until a probe is due. The probe is
 * the next message that comes; one at a time, each later than the one before. A session with any host ends it.
 */
import { ownVerdict, type Verdict } from "./outcome.ts";

/** One failure may be chance, two a restart. */
const FAILURES_BEFORE = 3;
/** From a failure to the next probe: doubled up to the longest, in ms. */
const FIRST_PAUSE_MS = 30_000;
/** Shorter than the first interval of the schedule: where there is but one message, each of its attempts is a probe. */
const LONGEST_PAUSE_MS = 240_000;

/** How the reply of a recipient begins that was deferred without an attempt. */
export const NOT_TRIED = "not tried, as the last attempts at this next hop failed";

export class Suspension {
  #failures = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #probeAt = -Infinity;
  #probing = false;
  #why = "";

  /** Whether it has failed lately, so that it is worth remembering. */
  get hasFailures(): boolean {
    return this.#failures > 0;
  }

  get active(): boolean {
    return this.#failures >= FAILURES_BEFORE;
  }

  /** Whether a message may be tried now. @param now in ms of a steady clock. */
  admits(now: number): boolean {
    return !this.active || (!this.#probing && now >= this.#probeAt);
  }

  /** A message that was admitted is being tried. */
  begin(): void {
    this.#probing = this.active;
  }

  /** It has ended without a word about the destination. */
  abandon(): void {
    this.#probing = false;
  }

  /** A session was had. */
  reached(): void {
    this.#failures = 0;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#probing = false;
  }

  /** No session with any host; `why` in words. */
  failed(why: string, now: number): void {
    const wasProbe = this.#probing;
    this.#probing = false;
    this.#why = why;
    this.#failures = Math.min(this.#failures + 1, FAILURES_BEFORE);
    if (wasProbe) this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    if (this.active) this.#probeAt = now + this.#pauseMs;
  }

  /** What becomes of a message that is not tried. */
  get verdict(): Verdict {
    // RFC 3463 3.5: no answer from host.
    return ownVerdict("deferred", "4.4.1", `${NOT_TRIED}: ${this.#why}`);
  }
}
