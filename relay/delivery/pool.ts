/**
 * Sessions with next hops: kept open for the next message, bounded for each destination and in all, handed out in turn.
 *
 * A lease is the right to have one connection to a destination, with an open session on it where there is one. Who
 * waits for a destination waits in its own line, so a slow destination delays nobody but its own mail. Where all
 * connections are in use, idle ones are closed first; then a destination with several hands one on to one with none.
 */
import { Pace } from "./pace.ts";
import { quit, type SmtpSession } from "./smtp_session.ts";

export interface PoolLimits {
  /** Connections to one destination at the same time. */
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
};

/** The pool is being closed: nobody is served any more. */
export class PoolClosed extends Error {
  override readonly name = "PoolClosed";
}

export interface Lease {
  readonly destination: Destination;
  /** The open session, if there is one; whoever holds the lease puts here what is to be kept. */
  session: SmtpSession | undefined;
}

interface Waiter {
  readonly serve: (lease: Lease) => void;
  readonly refuse: (reason: PoolClosed) => void;
}

class Destination {
  leases = 0;
  readonly idle: SmtpSession[] = [];
  readonly line: Waiter[] = [];
  constructor(readonly key: string, readonly pace: Pace) {}
}

export class Pool {
  readonly #limits: PoolLimits;
  readonly #monotonic: () => number;
  readonly #destinations = new Map<string, Destination>();
  /** Destinations whose line would move with more connections than there are in all. */
  readonly #starved = new Set<Destination>();
  readonly #farewells = new Set<Promise<void>>();
  /** Leases and idle sessions. */
  #connections = 0;
  #closed = false;

  /** @param monotonic a steady clock in ms, such as `performance.now`. */
  constructor(limits: PoolLimits, monotonic: () => number) {
    this.#limits = limits;
    this.#monotonic = monotonic;
  }

  /**
   * How long a message for this destination should stay away, in ms, because the line is long and slow; 0: it may
   * join. It comes back before the line is through, so that the destination has work all the time.
   */
  congestionMs(key: string): number {
    const destination = this.#destinations.get(key);
    if (destination === undefined || destination.line.length < this.#limits.waitingPerDestination) return 0;
    const waitMs = destination.pace.waitMs(destination.line.length, this.#monotonic());
    return waitMs > this.#limits.longestWaitMs ? waitMs : 0;
  }

  /** Waits for a lease. @throws {PoolClosed} */
  acquire(key: string): Lease | Promise<Lease> {
    if (this.#closed) throw new PoolClosed("delivery is being closed");
    const destination = this.#destination(key);
    const lease = this.#grant(destination);
    if (lease !== undefined) return lease;
    if (!this.#isFull(destination)) this.#starved.add(destination);
    return new Promise((serve, refuse) => destination.line.push({ serve, refuse }));
  }

  /** Gives a lease back after one message; its session, if any, serves the next one or rests. */
  release({ destination, session }: Lease): void {
    destination.pace.passed(this.#monotonic());
    const yields = this.#yields(destination);
    const kept = session !== undefined && !yields && this.#mayGoOn(session) ? session : undefined;
    if (session !== undefined && kept === undefined) this.sayGoodbye(session);
    const next = yields ? undefined : this.#nextInLine(destination);
    if (next !== undefined) return next.serve({ destination, session: kept });
    if (yields && destination.line.length > 0) this.#starved.add(destination);
    destination.leases--;
    if (kept === undefined) return this.#freeConnection(destination);
    destination.idle.push(kept);
    kept.channel.rest(this.#limits.idleSeconds, () => this.#dropIdle(destination, kept));
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
      for (const waiter of destination.line.splice(0)) waiter.refuse(new PoolClosed("delivery is being closed"));
      for (const session of [...destination.idle]) this.#dropIdle(destination, session);
    }
  }

  /** Resolves when all sessions that were ended have got, or missed, their answer to QUIT. */
  async farewells(): Promise<void> {
    while (this.#farewells.size > 0) await Promise.all(this.#farewells);
  }

  #destination(key: string): Destination {
    let destination = this.#destinations.get(key);
    if (destination === undefined) {
      destination = new Destination(key, new Pace(this.#monotonic()));
      this.#destinations.set(key, destination);
    }
    return destination;
  }

  #grant(destination: Destination): Lease | undefined {
    const session = destination.idle.pop();
    if (session !== undefined) {
      session.channel.wake();
      destination.leases++;
      return { destination, session };
    }
    if (this.#isFull(destination)) return undefined;
    if (this.#connections >= this.#limits.connections) this.#dropAnyIdle();
    // What became free may have gone to one who has waited longer.
    if (this.#connections >= this.#limits.connections) return undefined;
    destination.leases++;
    this.#connections++;
    return { destination, session: undefined };
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

  #isFull(destination: Destination): boolean {
    return destination.leases >= this.#limits.connectionsPerDestination;
  }

  #mayGoOn({ transactions, capabilities }: SmtpSession): boolean {
    return !this.#closed &&
      transactions < Math.min(this.#limits.messagesPerConnection, capabilities.maxMessages ?? Infinity);
  }

  #dropIdle(destination: Destination, session: SmtpSession): void {
    session.channel.wake();
    destination.idle.splice(destination.idle.indexOf(session), 1);
    this.sayGoodbye(session);
    this.#freeConnection(destination);
  }

  #freeConnection(destination: Destination): void {
    this.#connections--;
    const { leases, idle, line, key } = destination;
    if (leases === 0 && idle.length === 0 && line.length === 0) this.#destinations.delete(key);
    this.#serveStarved();
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
      const lease = this.#grant(destination);
      if (lease === undefined) this.#starved.delete(destination);
      else this.#nextInLine(destination)?.serve(lease);
    }
  }
}
