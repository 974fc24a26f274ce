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

/** What the operator is told of, once each time. */
export type SuspensionChange =
  /** The next message is tried again after so long; `why` in words. */
  | { readonly kind: "suspended"; readonly why: string; readonly probeInMs: number }
  /** A session was had again. */
  | { readonly kind: "reached" };
/** How the reply of a recipient begins that was deferred without an attempt, as its destination is suspended. */
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

  /** A session was had. @returns what has changed by it, if anything. */
  reached(): SuspensionChange | undefined {
    const change = this.active ? { kind: "reached" } as const : undefined;
    this.#failures = 0;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#probing = false;
    return change;
  }

  /** No session with any host; `why` in words. @returns what has changed by it, if anything. */
  failed(why: string, now: number): SuspensionChange | undefined {
    const wasProbe = this.#probing, wasActive = this.active;
    this.#probing = false;
    this.#why = why;
    this.#failures = Math.min(this.#failures + 1, FAILURES_BEFORE);
    if (wasProbe) this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    if (!this.active) return undefined;
    this.#probeAt = now + this.#pauseMs;
    return wasActive ? undefined : { kind: "suspended", why, probeInMs: this.#pauseMs };
  }

  /** Of the last failure, in words; empty before the first. */
  get why(): string {
    return this.#why;
  }

  /** What becomes of a message that is not tried. */
  get verdict(): Verdict {
    // RFC 3463 3.5: no answer from host.
    return ownVerdict("deferred", "4.4.1", `${NOT_TRIED}: ${this.#why}`);
  }
}
