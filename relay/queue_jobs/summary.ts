/** The queue by the recipients' domains and the age of their messages. Pure; memory is bounded whatever is queued. */
import type { QueueAges, QueuedDomain, QueueSummary } from "../../api/client.ts";
import type { RecipientState } from "../envelope.ts";
import type { QueueEntry } from "../spool/entries.ts";

/** Domains that are counted one by one, at some hundred octets each. */
const MAX_COUNTED = 20_000;
/** Domains in the answer: nobody reads more. */
const MAX_SHOWN = 1000;
/** Characters of a server's words in the answer. */
const MAX_REPLY = 300;
const HOUR_MS = 3_600_000;

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };
type Counted = Mutable<Omit<QueuedDomain, "ages">> & { readonly ages: Mutable<QueueAges> };

export class Summary {
  readonly #now: number;
  readonly #domains = new Map<string, Counted>();
  readonly #uncounted = new Set<string>();
  #messages = 0;
  #recipients = 0;
  #held = 0;
  #damaged = 0;

  /** @param now epoch ms. */
  constructor(now: number) {
    this.#now = now;
  }

  /** @param places of the recipients that count; at least one. */
  add({ receivedAt, domains, recipients }: QueueEntry, places: readonly number[]): void {
    this.#messages++;
    for (const place of places) {
      const state = recipients[place]!;
      this.#recipients++;
      if (state.status === "held") this.#held++;
      const domain = this.#domain(domains[place] ?? "", receivedAt);
      if (domain !== undefined) count(domain, state, receivedAt, this.#now);
    }
  }

  /** A message that cannot be read, and was set aside. */
  addDamaged(): void {
    this.#damaged++;
  }

  result(): Omit<QueueSummary, "suspended"> {
    const domains = [...this.#domains.values()].sort((one, other) => other.recipients - one.recipients);
    return {
      messages: this.#messages,
      recipients: this.#recipients,
      held: this.#held,
      damaged: this.#damaged,
      domains: domains.slice(0, MAX_SHOWN),
      otherDomains: Math.max(0, domains.length - MAX_SHOWN) + this.#uncounted.size,
    };
  }

  #domain(domain: string, receivedAt: number): Counted | undefined {
    const known = this.#domains.get(domain);
    if (known !== undefined) return known;
    if (this.#domains.size >= MAX_COUNTED) {
      if (this.#uncounted.size < MAX_COUNTED) this.#uncounted.add(domain);
      return undefined;
    }
    const ages = { under1h: 0, under4h: 0, under1d: 0, older: 0 };
    const fresh = { domain, recipients: 0, held: 0, ages, oldestAt: receivedAt, nextAttemptAt: null, lastReply: null };
    this.#domains.set(domain, fresh);
    return fresh;
  }
}

function count(domain: Counted, { status, dueAt, lastReply }: RecipientState, receivedAt: number, now: number): void {
  domain.recipients++;
  domain.ages[ageOf(now - receivedAt)]++;
  domain.oldestAt = Math.min(domain.oldestAt, receivedAt);
  domain.lastReply = lastReply?.slice(0, MAX_REPLY) ?? domain.lastReply;
  if (status === "held") domain.held++;
  else domain.nextAttemptAt = Math.min(domain.nextAttemptAt ?? Infinity, dueAt);
}

function ageOf(ageMs: number): keyof QueueAges {
  if (ageMs < HOUR_MS) return "under1h";
  if (ageMs < 4 * HOUR_MS) return "under4h";
  return ageMs < 24 * HOUR_MS ? "under1d" : "older";
}
