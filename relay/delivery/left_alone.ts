/**
 * Messages that are left where they are because all that they wait for is suspended.
 *
 * Why a recipient waits is recorded once, as a deferral, and again where its sender is to be warned or its time is up.
 * Between these it need not be touched: with a long queue, to load and defer each message every few minutes would be
 * all that the node does, and the history would be of nothing else. Messages are looked at again one after another at
 * a bounded rate, however many they are; when the destination is back, they come in that order.
 *
 * Pure. What is remembered is bounded, and may be forgotten: the message is then loaded, and told what is to be known.
 */
import type { RecipientState } from "../envelope.ts";
import type { DueMessage } from "../spool/types.ts";
import { LONGEST_POSTPONEMENT_MS, type RetrySchedule } from "./retry.ts";

/** A message is left alone for so long at least, in ms: as long as the shortest pause between two probes. */
const SHORTEST_MS = 30_000;
/** From one message of a destination to the next, in ms: at some 30 µs for each look, it takes 3 % of a thread. */
const INTERVAL_MS = 1;
/** Domains whose destination is known to be suspended, some hundred octets each; the oldest are forgotten. */
const MAX_DOMAINS = 10_000;

export class LeftAlone {
  /** The key of the destination that a domain's mail goes to. */
  readonly #keys = new Map<string, string>();
  /** By key: when the last message that was left alone is looked at (epoch ms). */
  readonly #last = new Map<string, number>();

  /** @param isSuspended whether a destination is, and is not to be probed now. */
  constructor(
    private readonly isSuspended: (key: string) => boolean,
    private readonly schedule: Pick<RetrySchedule, "delayWarningMs" | "expiryMs">,
  ) {}

  /** The mail of a domain goes to this destination, which is suspended. */
  note(domain: string, key: string): void {
    this.#keys.delete(domain);
    this.#keys.set(domain, key);
    if (this.#keys.size <= MAX_DOMAINS) return;
    const [[oldest, keyOfOldest]] = this.#keys as Iterable<[string, string]> as [[string, string]];
    this.#forget(oldest, keyOfOldest);
  }

  /**
   * When a message has to be looked at again (epoch ms), where until then nothing can be done for any of its
   * recipients that are due; undefined: it has to be looked at now.
   */
  until({ receivedAt, domains, recipients }: DueMessage, now: number): number | undefined {
    let until = Infinity;
    for (const [recipient, state] of recipients.entries()) {
      if (state.status !== "queued") continue;
      const each = state.dueAt > now ? state.dueAt : this.#untilOfDomain(domains[recipient]!, state, receivedAt, now);
      if (each === undefined) return undefined;
      until = Math.min(until, each);
    }
    return until === Infinity ? undefined : until;
  }

  /** The same for one recipient that is due, whose mail goes to a destination that is suspended. */
  untilOf(key: string, state: RecipientState, receivedAt: number, now: number): number | undefined {
    const { attempts, dueAt, delayReported } = state;
    const { delayWarningMs, expiryMs } = this.schedule;
    const warnsAt = receivedAt + delayWarningMs, expiresAt = receivedAt + expiryMs;
    // Not all want a warning. What was deferred before its time was due again by then (`retry.ts`), or a little later.
    const warned = delayReported || dueAt > warnsAt + LONGEST_POSTPONEMENT_MS;
    if (attempts === 0 || now >= expiresAt || (!warned && now >= warnsAt)) return undefined;
    const last = this.#last.get(key) ?? 0;
    const next = Math.min(Math.max(now + SHORTEST_MS, last + INTERVAL_MS), warned ? expiresAt : warnsAt);
    this.#last.set(key, Math.max(last, next));
    return next;
  }

  #untilOfDomain(domain: string, state: RecipientState, receivedAt: number, now: number): number | undefined {
    const key = this.#keys.get(domain);
    if (key === undefined) return undefined;
    if (this.isSuspended(key)) return this.untilOf(key, state, receivedAt, now);
    this.#forget(domain, key);
    return undefined;
  }

  #forget(domain: string, key: string): void {
    this.#keys.delete(domain);
    this.#last.delete(key);
  }
}
