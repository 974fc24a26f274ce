/**
 * The MTA-STS policies of recipients' domains (RFC 8461): found by their TXT record, fetched, and kept for as long as
 * they say, in a bounded number.
 *
 * A policy that stands is only replaced by another one: when the record is gone, or another policy is announced and
 * cannot be fetched, it goes on (3.3). So whoever can disturb DNS or HTTPS cannot take it away. Nor does mail wait for
 * the other one: it is fetched in the background (5.1), and what stands is used until it is there.
 */
import { forgetFirst } from "../forget_first.ts";
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
  /** Tests give their own. */
  readonly limits?: FetchLimits;
}

export interface FetchLimits {
  /** Fetches at the same time. */
  readonly fetches: number;
  /** How long one waits for its turn, in ms; mail may wait for it. */
  readonly longestWaitMs: number;
}

/**
 * So a hundred recipients' domains whose servers never answer are in nobody's way for longer than one fetch may take
 * (`policy_fetch.ts`), which is a connection and 64 KiB at the most.
 */
const FETCH_LIMITS: FetchLimits = { fetches: 100, longestWaitMs: 60_000 };

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

export class StsPolicies {
  readonly #options: PoliciesOptions;
  readonly #known: Map<string, Known>;
  readonly #fetches: Joined<StsPolicy | null>;
  readonly #limits: FetchLimits;
  readonly #slots: Slots;

  constructor(options: PoliciesOptions) {
    this.#options = options;
    this.#known = new Map(options.kept);
    this.#fetches = new Joined(options.now);
    this.#limits = options.limits ?? FETCH_LIMITS;
    this.#slots = new Slots(this.#limits.fetches);
  }

  /**
   * The policy that stands for mail to `domain` (lower-case A-labels), or null where there is none, or one of mode
   * none. Does not reject.
   */
  async of(domain: string): Promise<StsPolicy | null> {
    const answer = await this.#options.resolver.txt(`_mta-sts.${domain}`);
    const id = answer.kind === "found" ? announcedId(answer.records) : null;
    const now = this.#options.now();
    const known = this.#standing(domain, now);
    let policy = known?.policy ?? null;
    if (id !== null && (known === undefined || known.id !== id || known.refreshAt <= now)) {
      const fetched = this.#fetches.ask(domain, () => this.#fetch(domain, id));
      if (policy === null) policy = await fetched;
    }
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

  /** Resolves to the policy that stands then; null: mail goes as without (3.3). */
  async #fetch(domain: string, id: string): Promise<StsPolicy | null> {
    const { now: clock, onChange, onTrouble } = this.#options;
    const fetched = await this.#inTurn(domain);
    const now = clock();
    const before = this.#standing(domain, now);
    const kept = before?.policy ?? null;
    if (fetched === null) {
      onTrouble(domain, "waited for too many others", kept !== null);
      // Its server was not asked, so nothing is known of it that would stand: the next message asks again.
      return kept;
    }
    if (typeof fetched === "string") onTrouble(domain, fetched, kept !== null);
    const known = typeof fetched === "string" ? withoutFetch(before, id, now) : {
      policy: fetched,
      id,
      expiresAt: now + fetched.maxAgeSeconds * 1000,
      refreshAt: now + REFRESH_MS,
    };
    this.#known.set(domain, known);
    forgetFirst(this.#known, MAX_KNOWN);
    onChange(() => new Map([...this.#known].filter(isPolicy)));
    return known.policy;
  }

  /** null: its turn did not come. */
  async #inTurn(domain: string): Promise<StsPolicy | string | null> {
    if (!await this.#slots.take(AbortSignal.timeout(this.#limits.longestWaitMs))) return null;
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
