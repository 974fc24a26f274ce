/**
 * Sessions with next hops: kept open for the next message, bounded for each destination and in all, handed out in turn.
 *
 * A lease is the right to have one connection to a destination, with an open session on it where there is one. Who
 * waits for a destination waits in its own line, so a slow destination delays nobody but its own mail. How many leases
 * a destination has at a time follows from how it bears them (`concurrency.ts`), when the next may begin from its rate
 * (`rate.ts`), and one that cannot be reached is left alone (`suspension.ts`). Where all connections are in use, idle
 * ones are closed first; then a destination with several hands one on to one with none.
 */
import { Destination, DestinationSuspended, type Lease, type Waiter } from "./destination.ts";
import { type DestinationRules, ruleFor } from "./destination_limits.ts";
import type { NextHopHost } from "./next_hop.ts";
import type { Verdict } from "./outcome.ts";
import { Pace } from "./pace.ts";
import { quit, type SmtpSession } from "./smtp_session.ts";
import type { SuspensionChange } from "./suspension.ts";

export type { Lease } from "./destination.ts";

export interface PoolLimits {
  /** Connections to one destination at the same time, at most. */
  readonly connectionsPerDestination: number;
  /** Connections to all destinations. */
  readonly connections: number;
  /** Messages on one connection; servers that state fewer (RFC 9422 MAILMAX) get fewer. */
  readonly messagesPerConnection: number;
  /** How long a connection is kept without work, in seconds. */
  readonly idleSeconds: number;
  /** Messages in a destination's line, beyond which its pace decides whether another may join. */
  readonly waitingPerDestination: number;
  /** How long the line may take for another message to join it nevertheless, in ms. */
  readonly longestWaitMs: number;
  /** What the operator has set for single destinations. */
  readonly rules: DestinationRules;
}

export const POOL_LIMITS: PoolLimits = {
  connectionsPerDestination: 20,
  connections: 500,
  // A new connection costs about three round trips and a handshake: a percent of this many messages.
  messagesPerConnection: 500,
  // Servers wait 5 minutes by RFC 5321 4.5.3.2.7 and often less; an idle connection is dear to them.
  idleSeconds: 20,
  waitingPerDestination: 50,
  longestWaitMs: 5000,
  rules: new Map(),
};

/** Unused destinations whose failures or rates are remembered, some hundred octets each; the oldest go first. */
const MAX_REMEMBERED = 10_000;

/** Suspended destinations that are told of; a key has the names of all hosts, which may be many. */
const MAX_TOLD = 100, MAX_TOLD_CHARACTERS = 300;

/** Calls `action` after so many ms; the returned function cancels it. */
export type Later = (ms: number, action: () => void) => () => void;

const laterByTimer: Later = (ms, action) => {
  const timer = setTimeout(action, ms);
  return () => clearTimeout(timer);
};

/** Hears once that a destination is suspended, and once that it is reached again. */
export type SuspensionListener = (key: string, change: SuspensionChange) => void;

/** The pool is being closed: nobody is served any more. */
export class PoolClosed extends Error {
  override readonly name = "PoolClosed";
}

export class Pool {
  readonly #limits: PoolLimits;
  readonly #monotonic: () => number;
  readonly #onSuspension: SuspensionListener;
  readonly #later: Later;
  readonly #destinations = new Map<string, Destination>();
  /** Destinations whose line would move with more connections than there are in all. */
  readonly #starved = new Set<Destination>();
  /** Destinations that are unused but not forgotten, the longest unused first. */
  readonly #remembered = new Set<Destination>();
  readonly #farewells = new Set<Promise<void>>();
  /** Leases and idle sessions. */
  #connections = 0;
  #closed = false;

  /** @param monotonic a steady clock in ms, such as `performance.now`. */
  constructor(
    limits: PoolLimits,
    monotonic: () => number,
    onSuspension: SuspensionListener = () => {},
    later: Later = laterByTimer,
  ) {
    this.#limits = limits;
    this.#monotonic = monotonic;
    this.#onSuspension = onSuspension;
    this.#later = later;
  }

  /**
   * How long a message for this destination should stay away, in ms, because the line is long and slow; 0: it may
   * join. It comes back before the line is through, so that the destination has work all the time.
   */
  congestionMs(key: string): number {
    const destination = this.#destinations.get(key);
    if (destination === undefined || destination.line.length < this.#limits.waitingPerDestination) return 0;
    const waitMs = destination.waitMs(this.#monotonic());
    return waitMs > this.#limits.longestWaitMs ? waitMs : 0;
  }

  /** Whether the last attempt at a destination found no session with any of its hosts. */
  isFailing(key: string): boolean {
    return this.#destinations.get(key)?.suspension.hasFailures ?? false;
  }

  /** What becomes of a message for a destination that is suspended and not to be probed yet; null: it may be tried. */
  suspended(key: string): Verdict | null {
    const suspension = this.#destinations.get(key)?.suspension;
    // The clock is looked at where there is need: it is dearer than all the rest here.
    return !suspension?.active || suspension.admits(this.#monotonic()) ? null : suspension.verdict;
  }

  /** Destinations that are suspended: what they are, and why, in words of bounded length and number. */
  suspendedDestinations(): { destination: string; why: string }[] {
    return [...this.#destinations.values()].filter(({ suspension }) => suspension.active).slice(0, MAX_TOLD)
      .map(({ key, suspension: { why } }) => (
        { destination: key.slice(0, MAX_TOLD_CHARACTERS), why: why.slice(0, MAX_TOLD_CHARACTERS) }
      ));
  }

  /** Forgets that destinations failed: the next message for each is tried. */
  liftSuspensions(): void {
    for (const { suspension } of this.#destinations.values()) suspension.reached();
  }

  /**
   * Waits for a lease.
   *
   * @param hosts those behind the key, for the operator's rules.
   * @throws {PoolClosed}
   * @throws {DestinationSuspended} now or while it waits.
   */
  acquire(key: string, hosts: readonly Pick<NextHopHost, "name">[] = []): Lease | Promise<Lease> {
    if (this.#closed) throw new PoolClosed("delivery is being closed");
    const suspended = this.suspended(key);
    if (suspended !== null) throw new DestinationSuspended(suspended);
    const now = this.#monotonic();
    const destination = this.#destination(key, hosts, now);
    // Who has waited longer goes first.
    const lease = destination.line.length === 0 ? this.#grant(destination, now) : undefined;
    if (lease !== undefined) return lease;
    return new Promise((serve, refuse) => {
      destination.line.push({ serve, refuse });
      this.#awaitTurn(destination);
    });
  }

  /** Gives a lease back after one message; its session, if any, serves the next one or rests. */
  release({ destination, session, experience }: Lease): void {
    const now = this.#monotonic();
    const change = destination.learn(experience, now);
    if (change !== undefined) this.#onSuspension(destination.key, change);
    if (destination.suspension.active) this.#turnAway(destination);
    const yields = this.#yields(destination);
    const kept = session !== undefined && !yields && this.#mayGoOn(session, destination) ? session : undefined;
    if (session !== undefined && kept === undefined) this.sayGoodbye(session);
    const handsOn = !yields && destination.leases <= destination.concurrency.allowed &&
      destination.rate.waitMs(now) === 0;
    const next = handsOn ? this.#nextInLine(destination) : undefined;
    if (next !== undefined) {
      destination.begin(now);
      next.serve({ destination, session: kept });
      // It may bear more than before.
      return this.#serveLine(destination);
    }
    if (yields && destination.line.length > 0) this.#starved.add(destination);
    destination.leases--;
    if (kept === undefined) this.#freeConnection(destination);
    else {
      destination.idle.push(kept);
      kept.channel.rest(this.#limits.idleSeconds, () => this.#dropIdle(destination, kept));
    }
    if (!yields) this.#serveLine(destination);
  }

  /** Ends a session in the background; the lease it belonged to stays. */
  sayGoodbye(session: SmtpSession): void {
    const farewell = quit(session).finally(() => this.#farewells.delete(farewell));
    this.#farewells.add(farewell);
  }

  /** Refuses all who wait and ends what is idle; what is leased ends when it is released. */
  close(): void {
    this.#closed = true;
    this.#starved.clear();
    for (const destination of [...this.#destinations.values()]) {
      destination.refuseLine(new PoolClosed("delivery is being closed"));
      for (const session of [...destination.idle]) this.#dropIdle(destination, session);
    }
  }

  /** Resolves when all sessions that were ended have got, or missed, their answer to QUIT. */
  async farewells(): Promise<void> {
    while (this.#farewells.size > 0) await Promise.all(this.#farewells);
  }

  #destination(key: string, hosts: readonly Pick<NextHopHost, "name">[], now: number): Destination {
    let destination = this.#destinations.get(key);
    if (destination === undefined) {
      destination = new Destination(key, ruleFor(hosts, this.#limits.rules), this.#limits, now);
      this.#destinations.set(key, destination);
    } else if (this.#remembered.delete(destination)) destination.pace = new Pace(now);
    return destination;
  }

  #grant(destination: Destination, now: number): Lease | undefined {
    if (destination.isFull || destination.rate.waitMs(now) > 0) return undefined;
    const session = destination.idle.pop();
    if (session !== undefined) session.channel.wake();
    else {
      if (this.#connections >= this.#limits.connections) this.#dropAnyIdle();
      // What became free may have gone to one who has waited longer.
      if (this.#connections >= this.#limits.connections) return undefined;
      this.#connections++;
    }
    destination.leases++;
    destination.begin(now);
    return { destination, session };
  }

  #serveLine(destination: Destination): void {
    while (destination.line.length > 0) {
      const lease = this.#grant(destination, this.#monotonic());
      if (lease === undefined) return this.#awaitTurn(destination);
      this.#nextInLine(destination)?.serve(lease);
    }
  }

  /** Sees to it that the line moves when what it waits for has come: a release, its rate, or a free connection. */
  #awaitTurn(destination: Destination): void {
    if (destination.line.length === 0 || destination.isFull) return;
    if (destination.idle.length === 0 && this.#connections >= this.#limits.connections) {
      this.#starved.add(destination);
      return;
    }
    const waitMs = Math.ceil(destination.rate.waitMs(this.#monotonic()));
    destination.cancelTimer ??= this.#later(waitMs, () => {
      destination.cancelTimer = undefined;
      this.#serveLine(destination);
    });
  }

  /** A destination has been suspended: who waits for it need not wait. */
  #turnAway(destination: Destination): void {
    this.#starved.delete(destination);
    destination.refuseLine(new DestinationSuspended(destination.suspension.verdict));
  }

  #nextInLine(destination: Destination): Waiter | undefined {
    const next = destination.line.shift();
    if (destination.line.length === 0) this.#starved.delete(destination);
    return next;
  }

  /** Whether a destination has to give a connection up because another waits for one. */
  #yields(destination: Destination): boolean {
    if (this.#starved.size === 0) return false;
    if (destination.line.length === 0) return true;
    return destination.leases > 1 && [...this.#starved].some(({ leases }) => leases === 0);
  }

  #mayGoOn({ transactions, capabilities }: SmtpSession, { messagesPerConnection }: Destination): boolean {
    return !this.#closed && transactions < Math.min(messagesPerConnection, capabilities.maxMessages ?? Infinity);
  }

  #dropIdle(destination: Destination, session: SmtpSession): void {
    session.channel.wake();
    destination.idle.splice(destination.idle.indexOf(session), 1);
    this.sayGoodbye(session);
    this.#freeConnection(destination);
  }

  #freeConnection(destination: Destination): void {
    this.#connections--;
    if (destination.isUnused) this.#leave(destination);
    this.#serveStarved();
  }

  /** Forgets an unused destination, unless it would then be tried too soon again. */
  #leave(destination: Destination): void {
    if (!destination.isWorthRemembering(this.#monotonic())) {
      this.#destinations.delete(destination.key);
      return;
    }
    this.#remembered.add(destination);
    for (const oldest of this.#remembered) {
      if (this.#remembered.size <= MAX_REMEMBERED) return;
      this.#remembered.delete(oldest);
      this.#destinations.delete(oldest.key);
    }
  }

  /** Makes room by ending an idle session of some destination. */
  #dropAnyIdle(): void {
    for (const destination of this.#destinations.values()) {
      const session = destination.idle[0];
      if (session !== undefined) return this.#dropIdle(destination, session);
    }
  }

  /** Free connections go round among those who wait for one, those without any first. */
  #serveStarved(): void {
    const inTurn = [...this.#starved].sort((one, other) => Math.min(one.leases, 1) - Math.min(other.leases, 1));
    for (const destination of inTurn) {
      if (this.#connections >= this.#limits.connections) return;
      const lease = this.#grant(destination, this.#monotonic());
      if (lease !== undefined) this.#nextInLine(destination)?.serve(lease);
      else {
        this.#starved.delete(destination);
        this.#awaitTurn(destination);
      }
    }
  }
}
