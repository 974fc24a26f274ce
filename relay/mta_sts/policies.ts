/**
 * The MTA-STS policies of recipients' domains (RFC 8461): found by their TXT record, fetched, and kept for as long as
 * they say, in a bounded number.
 *
 * A policy that stands is only replaced by another one: when the record is gone, or another policy is announced and
 * cannot be fetched, it goes on (3.3). So whoever can disturb DNS or HTTPS cannot take it away.
 */
import type { Resolver } from "../dns/types.ts";
import { Joined } from "../joined.ts";
import { Slots } from "../slots.ts";
import type { StsPolicy } from "./policy.ts";
import { announcedId } from "./policy.ts";

export interface PoliciesOptions {
  readonly resolver: Pick<Resolver, "txt">;
  /** @returns the policy, or words for what went wrong. Does not reject. */
  readonly fetchPolicy: (domain: string) => Promise<StsPolicy | string>;
  /** Epoch ms. */
  readonly now: () => number;
  /** What stood when the process before ended. */
  readonly kept: ReadonlyMap<string, KnownPolicy>;
  /** What is known has changed. @param known what it is when it is called: the policies that were fetched. */
  readonly onChange: (known: () => ReadonlyMap<string, KnownPolicy>) => void;
  /** A policy is announced but could not be had; `kept`: an earlier one goes on. */
  readonly onTrouble: (domain: string, why: string, kept: boolean) => void;
}

/** A policy that was fetched. Times are epoch ms. */
export interface KnownPolicy {
  readonly policy: StsPolicy;
  /** Of the record that was seen last when it was fetched, or tried to be. */
  readonly id: string;
  readonly expiresAt: number;
  /** Not fetched again before this, while the record is the same. */
  readonly refreshAt: number;
}

/** null: it could not be fetched, and none stood before. */
type Known = KnownPolicy | Omit<KnownPolicy, "policy"> & { readonly policy: null };

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
  readonly #known: Map<string, Known>;
  readonly #fetches: Joined<Known>;
  readonly #slots = new Slots(FETCHES);

  constructor(options: PoliciesOptions) {
    this.#options = options;
    this.#known = new Map(options.kept);
    this.#fetches = new Joined(options.now);
  }

  /**
   * The policy that stands for mail to `domain` (lower-case A-labels), or null where there is none, or one of mode
   * none. Does not reject.
   */
  async of(domain: string): Promise<StsPolicy | null> {
    const answer = await this.#options.resolver.txt(`_mta-sts.${domain}`);
    const id = answer.kind === "found" ? announcedId(answer.records) : null;
    const now = this.#options.now();
    let known = this.#standing(domain, now);
    if (id !== null && (known === undefined || known.id !== id || known.refreshAt <= now)) {
      known = await this.#fetches.ask(domain, () => this.#fetch(domain, id));
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

  async #fetch(domain: string, id: string): Promise<Known> {
    const { now: clock, onChange, onTrouble } = this.#options;
    const fetched = await this.#inTurn(domain);
    const now = clock();
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
    onChange(() => new Map([...this.#known].filter(isPolicy)));
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

function isPolicy(entry: [string, Known]): entry is [string, KnownPolicy] {
  return entry[1].policy !== null;
}

/** What stood goes on to its end; the record's id counts as seen for a while, so that not every message fetches. */
function withoutFetch(before: Known | undefined, id: string, now: number): Known {
  const refreshAt = now + RETRY_MS;
  if (before?.policy == null) return { policy: null, id, expiresAt: refreshAt, refreshAt };
  return { ...before, id, refreshAt };
}
