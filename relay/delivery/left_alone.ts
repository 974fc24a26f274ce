/**
 * Messages that are left where they are because all that they wait for is suspended.
 *
 * Why a recipient waits is recorded once, as a deferral, and again where its sender is to be warned or its time is up.
 * Between these it need not be touched: with a long queue, to load and defer each message every few minutes would be
 * all that the node does, and the history would be of nothing else. Messages are looked at again in groups, at a
 * bounded rate however many they are; when their destination is back, or their mail goes elsewhere, all are due.
 *
 * Pure. What is remembered is bounded, and may be forgotten: a message is then loaded, and told what is to be known.
 */
import { forgetFirst } from "../forget_first.ts";
import type { RecipientState } from "../envelope.ts";
import type { DueMessage } from "../spool/types.ts";
import { LONGEST_POSTPONEMENT_MS, type RetrySchedule } from "./retry.ts";
import { NOT_TRIED } from "./suspension.ts";

/** A message is left alone for so long at least, in ms: as long as the shortest pause between two probes. */
const SHORTEST_MS = 30_000;
/**
 * From one message of a destination to the next, in ms. A look costs some 30 µs and 30 KiB written, for each of them
 * lies on another page of the index.
 */
const INTERVAL_MS = 10;
/** Those of so many ms are looked at together, so that they share a transaction. */
const GROUP_MS = 1000;
/** Domains whose destination is known to be suspended, or back; some hundred octets each, the oldest are forgotten. */
const MAX_DOMAINS = 10_000;

export interface LeftAloneParts {
  /** Whether a destination is suspended, and not to be probed now. */
  readonly isClosed: (key: string) => boolean;
  /** Whether the last attempt at it found nobody. */
  readonly isFailing: (key: string) => boolean;
  readonly schedule: Pick<RetrySchedule, "delayWarningMs" | "expiryMs">;
  /** Hears of domains whose mail was left alone and can be tried. */
  readonly onBack: (domains: ReadonlySet<string>) => void;
}

interface Waiting {
  readonly domains: Set<string>;
  /** When the last message is looked at (epoch ms). */
  last: number;
}

export class LeftAlone {
  /** By the key of a destination. */
  readonly #waiting = new Map<string, Waiting>();
  /** The key of the destination that a domain's mail goes to. */
  readonly #keys = new Map<string, string>();
  /** Domains that are known to be back. */
  readonly #back = new Set<string>();

  constructor(private readonly parts: LeftAloneParts) {}

  /** The mail of a domain goes to this destination, which is suspended. */
  note(domain: string, key: string): void {
    if (this.#keys.get(domain) === key) return;
    this.#forget(domain);
    this.#back.delete(domain);
    this.#keys.set(domain, key);
    this.#waitingFor(key).domains.add(domain);
    for (const oldest of this.#keys.keys()) {
      if (this.#keys.size <= MAX_DOMAINS) return;
      this.#forget(oldest);
    }
  }

  /**
   * An attempt for a recipient of this domain was made at this destination.
   *
   * @param before the recipient's state before it: it tells of what was left alone by an earlier process.
   */
  attempted(domain: string, key: string, before: Pick<RecipientState, "lastReply">): void {
    const keyBefore = this.#keys.get(domain);
    const wasLeftAlone = keyBefore !== undefined ||
      (before.lastReply?.startsWith(NOT_TRIED) && !this.#back.has(domain));
    if (!wasLeftAlone || this.parts.isFailing(key)) return;
    const domains = this.#waiting.get(keyBefore ?? "")?.domains ?? new Set([domain]);
    if (keyBefore !== undefined) this.#waiting.delete(keyBefore);
    for (const each of domains) {
      this.#keys.delete(each);
      this.#back.add(each);
    }
    forgetFirst(this.#back, MAX_DOMAINS);
    this.parts.onBack(domains);
  }

  /**
   * When a message has to be looked at again (epoch ms), where until then nothing can be done for any of its
   * recipients that are due; undefined: it has to be looked at now.
   */
  until({ receivedAt, domains, recipients }: DueMessage, now: number): number | undefined {
    let until = Infinity;
    for (const [recipient, state] of recipients.entries()) {
      if (state.status !== "queued") continue;
      const key = this.#keys.get(domains[recipient]!);
      let each: number | undefined = state.dueAt;
      if (each <= now) {
        if (key === undefined || !this.parts.isClosed(key)) return undefined;
        each = this.untilOf(key, state, receivedAt, now);
      }
      if (each === undefined) return undefined;
      until = Math.min(until, each);
    }
    return until === Infinity ? undefined : until;
  }

  /** The same for one recipient that is due, whose mail goes to a destination that is suspended. */
  untilOf(key: string, state: RecipientState, receivedAt: number, now: number): number | undefined {
    const { attempts, dueAt, delayReported } = state;
    const { delayWarningMs, expiryMs } = this.parts.schedule;
    const warnsAt = receivedAt + delayWarningMs, expiresAt = receivedAt + expiryMs;
    // Not all want a warning. What was deferred before its time was due again by then (`retry.ts`), or a little later.
    const warned = delayReported || dueAt > warnsAt + LONGEST_POSTPONEMENT_MS;
    if (attempts === 0 || now >= expiresAt || (!warned && now >= warnsAt)) return undefined;
    return Math.min(this.turn(key, now), warned ? expiresAt : warnsAt);
  }

  /** When one more message of a destination has its turn (epoch ms). */
  turn(key: string, now: number): number {
    const waiting = this.#waitingFor(key);
    waiting.last = Math.max(now + SHORTEST_MS, waiting.last + INTERVAL_MS);
    return Math.ceil(waiting.last / GROUP_MS) * GROUP_MS;
  }

  #waitingFor(key: string): Waiting {
    const waiting = this.#waiting.get(key) ?? { domains: new Set(), last: 0 };
    this.#waiting.set(key, waiting);
    return waiting;
  }

  #forget(domain: string): void {
    const key = this.#keys.get(domain);
    if (key === undefined) return;
    this.#keys.delete(domain);
    const { domains } = this.#waiting.get(key)!;
    domains.delete(domain);
    if (domains.size === 0) this.#waiting.delete(key);
  }
}
