/**
 * Delivery: takes due messages from the queue as long as there is capacity, and gives each its round.
 *
 * It decides how many messages are in hand and when to look again; what happens to one message is `round.ts`, what
 * happens on a connection `transaction.ts`. Nothing is taken twice at the same time, and a message is given back only
 * when what became of it is on stable storage.
 */
import type { Logger } from "@logtape/logtape";
import type { Queue, QueuedMessage } from "../spool/types.ts";
import type { SourceAddresses } from "./connect_from.ts";
import { DeadlineWatch, STAGE_SECONDS, type StageSeconds, type Ticker } from "./deadlines.ts";
import { LeftAlone } from "./left_alone.ts";
import type { NextHop } from "./next_hop.ts";
import { POOL_LIMITS, type PoolLimits, SharedPool } from "./pool.ts";
import { reach } from "./reach.ts";
import { Recorder } from "./recorder.ts";
import { RETRY_SCHEDULE, type RetrySchedule } from "./retry.ts";
import { Round, type RoundParts } from "./round.ts";

export interface DeliveryLimits {
  /** Messages in hand: an envelope each, and for those that are signed or sent one block of content. */
  readonly messages: number;
  readonly pool: PoolLimits;
  readonly stageSeconds: StageSeconds;
  readonly schedule: RetrySchedule;
  /** Between two tries to record an outcome, in ms. */
  readonly recordRetryMs: number;
  /** How long `close` waits for what is in flight before it cuts it off, in ms. */
  readonly closeGraceMs: number;
}

export const DELIVERY_LIMITS: DeliveryLimits = {
  messages: 2000,
  pool: POOL_LIMITS,
  stageSeconds: STAGE_SECONDS,
  schedule: RETRY_SCHEDULE,
  recordRetryMs: 5000,
  closeGraceMs: 30_000,
};

export interface DeliveryParts {
  readonly queue: Queue;
  /** The way to a recipient's domain, an address literal with its brackets; never rejects for the network's sake. */
  readonly nextHop: (domain: string) => Promise<NextHop>;
  /** What is sent of a message: its content, signed where it can be. */
  readonly sign: RoundParts["sign"];
  /** This node's own name, for EHLO. */
  readonly hostname: string;
  /** From where it connects to next hops. */
  readonly sources: SourceAddresses;
  /** The name that customers know, for DSNs. */
  readonly serviceName: string;
  /** Epoch ms. */
  readonly now: () => number;
  /** A steady clock in ms, such as `performance.now`. */
  readonly monotonic: () => number;
  /** As `Math.random`. */
  readonly random: () => number;
  /** Ids of events and DSNs, unique for ever. */
  readonly newId: () => string;
  readonly log: Logger;
  readonly limits: DeliveryLimits;
  /** Ticks every second, for the deadlines; tests give their own. */
  readonly ticker?: Ticker;
  /** Authorities to trust, in PEM, instead of those that Deno comes with; tests give their own. */
  readonly authorities?: readonly string[];
}

/** What an account has in hand. */
interface AccountInHand {
  messages: number;
  readonly round: RoundParts;
}

/** It looks at the queue at least this often, in ms, so that a step of the clock is noticed. */
const LONGEST_SLEEP_MS = 60_000;
/** And at most this often where the queue has something due that cannot be taken yet, in ms. */
const SHORTEST_SLEEP_MS = 20;
/** Where accounts have to wait for what they have in hand, others are looked for after this, in ms. */
const SHARE_SLEEP_MS = 1000;

export class Delivery {
  readonly #parts: DeliveryParts;
  readonly #pool: SharedPool;
  readonly #watch: DeadlineWatch;
  readonly #recorder: Recorder;
  readonly #round: Omit<RoundParts, "pool">;
  readonly #leftAlone: LeftAlone;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #accounts = new Map<string, AccountInHand>();
  #taking = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wakesAt = Infinity;
  #closing = false;
  #cutOff = false;

  constructor(parts: DeliveryParts) {
    const { queue, log, limits, hostname } = parts;
    this.#parts = parts;
    this.#pool = new SharedPool(limits.pool, parts.monotonic, (destination, change) => {
      if (change.kind === "reached") log.info("a destination is reached again", { destination });
      else {
        const { why, probeInMs } = change;
        const nextProbeAt = new Date(parts.now() + probeInMs).toISOString();
        log.warn("a destination is suspended: its mail waits", { destination, why, nextProbeAt });
      }
    });
    const watch = this.#watch = new DeadlineWatch(parts.ticker);
    this.#recorder = new Recorder(queue, log, limits.recordRetryMs);
    this.#leftAlone = new LeftAlone({
      isClosed: (key) => this.#pool.suspended(key) !== null,
      isFailing: (key) => this.#pool.isFailing(key),
      schedule: limits.schedule,
      onBack: (domains) => queue.hasten(domains),
    });
    const { sources, authorities } = parts;
    const client = { hostname, watch, seconds: limits.stageSeconds, sources, authorities };
    this.#round = {
      nextHop: parts.nextHop,
      sign: parts.sign,
      leftAlone: this.#leftAlone,
      reach: (host, addresses) => reach(host, addresses, client),
      recorder: this.#recorder,
      schedule: limits.schedule,
      serviceName: parts.serviceName,
      now: parts.now,
      random: parts.random,
      newId: parts.newId,
      log,
      isCutOff: () => this.#cutOff,
    };
  }

  /** Begins to deliver; what is due already is taken at once. */
  start(): void {
    this.#parts.queue.onAvailable(() => this.#takeDue());
    this.#takeDue();
  }

  /**
   * Takes nothing more; what waits for a connection is left queued, what is on one is finished within the grace, then
   * cut off. Resolves when all connections are closed.
   */
  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#timer);
    this.#pool.close();
    const grace = setTimeout(() => {
      this.#cutOff = true;
      this.#recorder.stop();
      this.#watch.expireAll();
    }, this.#parts.limits.closeGraceMs);
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight);
    await this.#pool.farewells();
    clearTimeout(grace);
  }

  /** Messages in hand: on a connection, or waiting for one. */
  get inHand(): number {
    return this.#inFlight.size;
  }

  /** Next hops that are left alone for now, because none of their hosts could be reached. */
  suspendedDestinations(): ReturnType<SharedPool["suspendedDestinations"]> {
    return this.#pool.suspendedDestinations();
  }

  /** What is due is tried, whatever was learnt of where it goes. */
  retryDestinations(): void {
    this.#pool.liftSuspensions();
  }

  #takeDue(): void {
    // The queue may call back while it is asked; the loop goes on until there is nothing anyway.
    if (this.#taking || this.#closing) return;
    this.#taking = true;
    const { queue, now, log, limits } = this.#parts;
    let waiting = false;
    // An account may have in hand as many as it leaves free, so there is room for others whatever one has queued.
    const mayTake = (account: string) => {
      const may = (this.#accounts.get(account)?.messages ?? 0) < limits.messages - this.#inFlight.size;
      waiting ||= !may;
      return may;
    };
    try {
      while (this.#inFlight.size < limits.messages) {
        const message = queue.take(now(), mayTake, (due) => this.#leftAlone.until(due, now()));
        if (message === undefined) return this.#sleepUntil(waiting ? now() + SHARE_SLEEP_MS : queue.nextDueAt());
        this.#begin(message);
      }
    } catch (error) {
      log.error("the queue could not be asked for messages: {error}", { error });
      this.#sleepUntil(now() + LONGEST_SLEEP_MS);
    } finally {
      this.#taking = false;
    }
  }

  #begin(message: QueuedMessage): void {
    const { account } = message.envelope;
    let inHand = this.#accounts.get(account);
    if (inHand === undefined) {
      inHand = { messages: 0, round: { ...this.#round, pool: this.#pool.forAccount() } };
      this.#accounts.set(account, inHand);
    }
    inHand.messages++;
    const round = this.#deliver(message, inHand.round).finally(() => {
      this.#inFlight.delete(round);
      if (--inHand.messages === 0) this.#accounts.delete(account);
      this.#takeDue();
    });
    this.#inFlight.add(round);
  }

  async #deliver(message: QueuedMessage, parts: RoundParts): Promise<void> {
    const messageId = message.envelope.id;
    try {
      const recorded = await new Round(message, parts).run();
      if (recorded) this.#parts.queue.giveBack(messageId);
    } catch (error) {
      // What was recorded is not known: it stays taken, so that nothing is sent twice before the next start.
      this.#parts.log.error("a round ended for a reason of our own: {error}", { messageId, error });
    }
  }

  /** Arms the one timer for the earliest message, unless it is armed for that time; where there is none, no timer. */
  #sleepUntil(dueAt = Infinity): void {
    if (dueAt === this.#wakesAt) return;
    clearTimeout(this.#timer);
    this.#wakesAt = dueAt;
    if (dueAt === Infinity) return;
    const sleepMs = Math.min(Math.max(dueAt - this.#parts.now(), SHORTEST_SLEEP_MS), LONGEST_SLEEP_MS);
    this.#timer = setTimeout(() => {
      this.#wakesAt = Infinity;
      this.#takeDue();
    }, sleepMs);
  }
}
