/** The words of a domain's checks. Types only. */

/** "unknown": the DNS could not be asked, or the service does not know enough of itself. */
export type Verdict = "good" | "warning" | "bad" | "unknown";

/** A DNS record. */
export interface PublishedRecord {
  readonly name: string;
  readonly type: "TXT" | "MX";
  readonly value: string;
}

export interface Check {
  readonly verdict: Verdict;
  /** What it means, and what to do; one or two sentences. */
  readonly words: string;
  /** The records that it is about. */
  readonly found: readonly PublishedRecord[];
  /** What the domain's DNS should have. */
  readonly publish: readonly PublishedRecord[];
}

/** How the service appears to the world. */
export interface ServiceFacts {
  /** What customers include in their SPF record. */
  readonly name: string;
  /** Addresses from which its mail leaves, as far as it knows. */
  readonly addresses: () => Promise<readonly string[]>;
}
