/** What the doctor found. Types only. */
import type { PublishedRecord, Verdict } from "../domain_check/verdict.ts";

export interface Finding {
  /** "port 25", "clock". */
  readonly what: string;
  readonly verdict: Verdict;
  /** What it means, and what to do; one or two sentences. */
  readonly words: string;
  /** What the service's own DNS should have. */
  readonly publish?: readonly PublishedRecord[];
}
