/**
 * The MTA-STS policies of recipients' domains (RFC 8461): found by their TXT record, fetched, and kept for as long as
 * they say, in a bounded number.
 *
 * A policy that stands is only replaced by another one: when the record is gone, or another policy is announced and
 * cannot be fetched, it goes on (3.3). So whoever can disturb DNS or HTTPS cannot take it away. Policies are kept in
 * memory: after a start the first mail to a domain finds its policy again.
 */
import { Slots } from "../dns/slots.ts";
import type { Resolver } from "../dns/types.ts";
import type { StsPolicy } from "./policy.ts";
import { announcedId } from "./policy.ts";

export interface PoliciesOptions {
  readonly resolver: Pick<Resolver, "txt">;
  /** @returns the policy, or words for what went wrong. Does not reject. */
  readonly fetchPolicy: (domain: string) => Promise<StsPolicy | string>;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  /** A policy is announced but could not be had; `kept`: an earlier one goes on. */
  readonly onTrouble: (domain: string, why: string, kept: boolean) => void;
}

interface Known {
  /** null: it could not be fetched, and none stood before. */
  readonly policy: StsPolicy | null;
  /** Of the record that the policy was fetched for. */
  readonly id: string;
  readonly expiresAt: number;
  /** Not fetched again before this, while the record is the same. */
  readonly refreshAt: number;
}

/** Domains whose policies are remembered, the last used ones. */
const MAX_KNOWN = 5000;
/** A server that has trouble is asked again after this time (3.3 proposes five minutes). */
const RETRY_MS = 5 * 60_000;
/** A policy is fetched again in time, though its record is the same: 10.2 proposes a day. */
const REFRESH_MS = 24 * 3_600_000;
/** Fetches at the same time. */
const FETCHES = 20;
/** A line of fetches that takes longer holds mail up for too long. */
const LONGEST_WAIT_MS = 60_000;

export class StsPolicies {
  readonly #options: PoliciesOptions;
  readonly #known = new Map<string, Known>();
  readonly #fetching = new Map<string, Promise<Known>>();
  readonly #slots = new Slots(FETCHES);

  constructor(options: PoliciesOptions) {
    this.#options = options;
  }

  /**
   * The policy that stands for mail to `domain` (lower-case A-labels), or null where there is none, or one of mode
   * none. Does not reject.
   */
  async of(domain: string): Promise<StsPolicy | null> {
    const answer = await this.#options.resolver.txt(`_mta-sts.${domain}`);
    const id = answer.kind === "found" ? announcedId(answer.records) : null;
    const now = this.#options.monotonic();
    let known = this.#standing(domain, now);
    if (id !== null && (known === undefined || known.id !== id || known.refreshAt <= now)) {
      known = await this.#fetchOnce(domain, id);
    }
    const policy = known?.policy ?? null;
    return policy?.mode === "none" ? null : policy;
  }

  #standing(domain: string, now: number): Known | undefined {
    const known = this.#known.get(domain);
    if (known === undefined) return undefined;
    this.#known.delete(domain);
    if (known.expiresAt <= now) return undefined;
    // Behind the others: what is not used goes first.
    this.#known.set(domain, known);
    return known;
  }

  #fetchOnce(domain: string, id: string): Promise<Known> {
    const under = this.#fetching.get(domain);
    if (under !== undefined) return under;
    const fetching = this.#fetch(domain, id).finally(() => this.#fetching.delete(domain));
    this.#fetching.set(domain, fetching);
    return fetching;
  }

  async #fetch(domain: string, id: string): Promise<Known> {
    const { monotonic, onTrouble } = this.#options;
    const fetched = await this.#inTurn(domain);
    const now = monotonic();
    const before = this.#standing(domain, now);
    if (typeof fetched === "string") onTrouble(domain, fetched, before?.policy != null);
    const known = typeof fetched === "string" ? withoutFetch(before, id, now) : {
      policy: fetched,
      id,
      expiresAt: now + fetched.maxAgeSeconds * 1000,
      refreshAt: now + REFRESH_MS,
    };
    this.#known.set(domain, known);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN) break;
      this.#known.delete(oldest);
    }
    return known;
  }

  async #inTurn(domain: string): Promise<StsPolicy | string> {
    if (!await this.#slots.take(AbortSignal.timeout(LONGEST_WAIT_MS))) return "waited for too many others";
    try {
      return await this.#options.fetchPolicy(domain);
    } finally {
      this.#slots.release();
    }
  }
}

/** What stood goes on to its end; the record's id counts as seen for a while, so that not every message fetches. */
function withoutFetch(before: Known | undefined, id: string, now: number): Known {
  const refreshAt = now + RETRY_MS;
  if (before?.policy == null) return { policy: null, id, expiresAt: refreshAt, refreshAt };
  return { ...before, id, refreshAt };
}
