/**
 * Sessions with next hops: kept open for the next message, bounded for each destination and in all, handed out in turn.
 *
 * A lease is the right to have one connection to a destination, with an open session on it where there is one. Who
 * waits for a destination waits in its own line, so a slow destination delays nobody but its own mail. How many leases
 * a destination has at a time follows from how it bears them (`concurrency.ts`), when the next may begin from its rate
 * (`rate.ts`), and one that cannot be reached is left alone (`suspension.ts`). All connections are shared out among the
 * accounts (`connection_shares.ts`); where they are scarce, idle ones are closed for who needs one, and a destination
 * with several hands one on to one with none.
 */
import { AccountShares, ConnectionShares, type Share } from "./connection_shares.ts";
import { type Destination, type DestinationDefaults, DestinationSuspended, type Lease } from "./destination.ts";
import type { DestinationRules } from "./destination_limits.ts";
import { Destinations } from "./destinations.ts";
import { Line } from "./line.ts";
import type { NextHopHost } from "./next_hop.ts";
import type { Verdict } from "./outcome.ts";
import { quit, type SmtpSession } from "./smtp_session.ts";
import type { SuspensionChange } from "./suspension.ts";

export type { Lease } from "./destination.ts";

export interface PoolLimits extends DestinationDefaults {
  /** Connections to all destinations. */
  readonly connections: number;
  /** How long a connection is kept without work, in seconds. */
  readonly idleSeconds: number;
  /** Messages of an account in a destination's line, beyond which its pace decides whether another may join. */
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

/** The pool as the mail of one account sees it. */
export interface Pool {
  /**
   * How long a message for this destination should stay away, in ms, because the line is long and slow; 0: it may
   * join. It comes back before the line is through, so that the destination has work all the time.
   */
  congestionMs(key: string): number;

  /** What becomes of a message for a destination that is suspended and not to be probed yet; null: it may be tried. */
  suspended(key: string): Verdict | null;

  /**
   * Waits for a lease.
   *
   * @param hosts those behind the key, for the operator's rules.
   * @throws {PoolClosed}
   * @throws {DestinationSuspended} now or while it waits.
   */
  acquire(key: string, hosts?: readonly Pick<NextHopHost, "name">[]): Lease | Promise<Lease>;

  /** Gives a lease back after one message; its session, if any, serves the next one or rests. */
  release(lease: Lease): void;

  /** Ends a session in the background; the lease it belonged to stays. */
  sayGoodbye(session: SmtpSession): void;
}

export class SharedPool {
  readonly #limits: PoolLimits;
  readonly #monotonic: () => number;
  readonly #onSuspension: SuspensionListener;
  readonly #later: Later;
  readonly #destinations: Destinations;
  readonly #shares: ConnectionShares;
  /** Destinations whose line would move if its shares had another connection. */
  readonly #starved = new Line<Destination>();
  readonly #farewells = new Set<Promise<void>>();
  /** Sessions at rest, of all destinations. */
  #idle = 0;
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
    this.#destinations = new Destinations(limits);
    this.#shares = new ConnectionShares(limits.connections);
  }

  /** For the mail of one account, as long as it has messages in hand: what it has and waits for counts together. */
  forAccount(): Pool {
    const shares = new AccountShares();
    return {
      congestionMs: (key) => this.#congestionMs(key, shares),
      suspended: (key) => this.suspended(key),
      acquire: (key, hosts = []) => this.#acquire(key, hosts, shares),
      release: (lease) => this.#release(lease),
      sayGoodbye: (session) => this.#sayGoodbye(session),
    };
  }

  /** Whether the last attempt at a destination found no session with any of its hosts. */
  isFailing(key: string): boolean {
    return this.#destinations.get(key)?.suspension.hasFailures ?? false;
  }

  /** See `Pool`. */
  suspended(key: string): Verdict | null {
    const suspension = this.#destinations.get(key)?.suspension;
    // The clock is looked at where there is need: it is dearer than all the rest here.
    return !suspension?.active || suspension.admits(this.#monotonic()) ? null : suspension.verdict;
  }

  /** Destinations that are suspended: what they are, and why, in words of bounded length and number. */
  suspendedDestinations(): { destination: string; why: string }[] {
    return this.#destinations.suspended();
  }

  /** Forgets that destinations failed: the next message for each is tried. */
  liftSuspensions(): void {
    for (const { suspension } of this.#destinations.all()) suspension.reached();
  }

  /** Refuses all who wait and ends what is idle; what is leased ends when it is released. */
  close(): void {
    this.#closed = true;
    this.#starved.clear();
    for (const destination of [...this.#destinations.all()]) {
      destination.refuseLine(new PoolClosed("delivery is being closed"));
      for (const session of [...destination.idle]) this.#dropIdle(destination, session);
    }
  }

  /** Resolves when all sessions that were ended have got, or missed, their answer to QUIT. */
  async farewells(): Promise<void> {
    while (this.#farewells.size > 0) await Promise.all(this.#farewells);
  }

  #congestionMs(key: string, { proven, unproven }: AccountShares): number {
    const destination = this.#destinations.get(key);
    const { waitingPerDestination, longestWaitMs } = this.#limits;
    if (destination === undefined || destination.line.length < waitingPerDestination) return 0;
    const { line } = destination;
    if (line.of(proven).size + line.of(unproven).size < waitingPerDestination) return 0;
    const waitMs = destination.waitMs(this.#monotonic());
    return waitMs > longestWaitMs ? waitMs : 0;
  }

  #acquire(
    key: string,
    hosts: readonly Pick<NextHopHost, "name">[],
    shares: AccountShares,
  ): Lease | Promise<Lease> {
    if (this.#closed) throw new PoolClosed("delivery is being closed");
    const suspended = this.suspended(key);
    if (suspended !== null) throw new DestinationSuspended(suspended);
    const now = this.#monotonic();
    const destination = this.#destinations.use(key, hosts, now);
    const share = destination.proven ? shares.proven : shares.unproven;
    // Who has waited longer goes first.
    if (destination.line.length === 0 && destination.isReady(now) && this.#shares.mayTake(share)) {
      return this.#grant(destination, share, now);
    }
    return new Promise((serve, refuse) => {
      destination.line.join(share, { serve, refuse });
      this.#serveLine(destination, now);
    });
  }

  #release({ destination, share, session, experience }: Lease): void {
    const now = this.#monotonic();
    const change = destination.learn(experience, now);
    if (change !== undefined) this.#onSuspension(destination.key, change);
    if (destination.suspension.active) this.#turnAway(destination);
    destination.leases--;
    this.#shares.giveBack(share);
    const kept = session !== undefined && this.#mayGoOn(session, destination) ? session : undefined;
    if (session !== undefined && kept === undefined) this.#sayGoodbye(session);
    const next = this.#nextShare(destination, now);
    if (next !== undefined && !this.#yields(destination, next)) {
      this.#serve(destination, next, now, kept);
      // It may bear more than before.
      this.#serveLine(destination, now);
    } else {
      if (kept !== undefined) this.#rest(destination, kept);
      this.#awaitTurn(destination, now);
    }
    this.#serveStarved(now);
    if (destination.isUnused) this.#destinations.leave(destination, now);
  }

  #sayGoodbye(session: SmtpSession): void {
    const farewell = quit(session).finally(() => this.#farewells.delete(farewell));
    this.#farewells.add(farewell);
  }

  /** A lease for one of a share that may take it; where no session is open, with room for a connection. */
  #grant(destination: Destination, share: Share, now: number, session = this.#wakeIdle(destination)): Lease {
    if (session === undefined && this.#shares.held + this.#idle >= this.#limits.connections) this.#dropAnyIdle();
    this.#shares.take(share);
    destination.leases++;
    destination.begin(now);
    return { destination, share, session };
  }

  /** Hands a lease to the first of a share in line. */
  #serve(destination: Destination, share: Share, now: number, session?: SmtpSession): void {
    const [waiter] = destination.line.of(share);
    destination.line.leave(share, waiter!);
    if (destination.line.of(share).size === 0) this.#starved.leave(share, destination);
    waiter!.serve(this.#grant(destination, share, now, session));
  }

  /** Whose turn it is in a line that may move; undefined: it may not, or there is nobody. */
  #nextShare(destination: Destination, now: number): Share | undefined {
    if (destination.line.length === 0 || !destination.isReady(now)) return undefined;
    for (const share of destination.line.shares) if (this.#shares.mayTake(share)) return share;
    return undefined;
  }

  #serveLine(destination: Destination, now: number): void {
    for (let next = this.#nextShare(destination, now); next !== undefined; next = this.#nextShare(destination, now)) {
      this.#serve(destination, next, now);
    }
    this.#awaitTurn(destination, now);
  }

  /** Sees to it that the line moves when what it waits for has come: a release, its rate, or a connection. */
  #awaitTurn(destination: Destination, now: number): void {
    if (destination.line.length === 0 || destination.isFull) return;
    const waitMs = Math.ceil(destination.rate.waitMs(now));
    if (waitMs === 0) {
      for (const share of destination.line.shares) this.#starved.join(share, destination);
      return;
    }
    destination.cancelTimer ??= this.#later(waitMs, () => {
      destination.cancelTimer = undefined;
      this.#serveLine(destination, this.#monotonic());
    });
  }

  /** Gives out what the shares may take. */
  #serveStarved(now: number): void {
    while (this.#starved.length > 0) {
      const share = this.#shares.neediest(this.#starved.shares);
      if (share === undefined) return;
      const destination = this.#firstStarved(share);
      this.#starved.leave(share, destination);
      if (destination.isReady(now)) this.#serve(destination, share, now);
      this.#awaitTurn(destination, now);
    }
  }

  /** The destination of a share that goes first: one that has no connection, if there is one. */
  #firstStarved(share: Share): Destination {
    const starved = this.#starved.of(share);
    // Those passed over have connections, so they are not many.
    for (const destination of starved) if (destination.leases === 0) return destination;
    const [first] = starved;
    return first!;
  }

  /** Whether a connection to a destination goes to another one before it goes to this share in its line. */
  #yields(destination: Destination, share: Share): boolean {
    const rival = this.#shares.neediest(this.#starved.shares);
    if (rival === undefined) return false;
    if (rival.held !== share.held) return rival.held < share.held;
    return destination.leases > 0 && this.#firstStarved(rival).leases === 0;
  }

  /** A destination has been suspended: who waits for it need not wait. */
  #turnAway(destination: Destination): void {
    for (const share of destination.line.shares) this.#starved.leave(share, destination);
    destination.refuseLine(new DestinationSuspended(destination.suspension.verdict));
  }

  #mayGoOn({ transactions, capabilities }: SmtpSession, { messagesPerConnection }: Destination): boolean {
    return !this.#closed && transactions < Math.min(messagesPerConnection, capabilities.maxMessages ?? Infinity);
  }

  #rest(destination: Destination, session: SmtpSession): void {
    destination.idle.push(session);
    this.#idle++;
    session.channel.rest(this.#limits.idleSeconds, () => this.#dropIdle(destination, session));
  }

  #wakeIdle(destination: Destination): SmtpSession | undefined {
    const session = destination.idle.pop();
    if (session === undefined) return undefined;
    this.#idle--;
    session.channel.wake();
    return session;
  }

  #dropIdle(destination: Destination, session: SmtpSession): void {
    session.channel.wake();
    destination.idle.splice(destination.idle.indexOf(session), 1);
    this.#idle--;
    this.#sayGoodbye(session);
    if (destination.isUnused) this.#destinations.leave(destination, this.#monotonic());
  }

  /** Makes room by ending an idle session of some destination. */
  #dropAnyIdle(): void {
    for (const destination of this.#destinations.all()) {
      const session = destination.idle[0];
      if (session !== undefined) return this.#dropIdle(destination, session);
    }
  }
}
