/**
 * Where admission gets a message's relays: from a lease that this node has, or from the counters.
 *
 * An account that uses much gets leases, each asked for while messages go on; then most messages wait for nobody, and
 * mail goes on for as long as a lease lasts while the counters cannot be asked. A lease is a debit of its day, so
 * whatever nodes spend, the day's limit holds (invariant 3). It goes back when it is idle, when another node was refused
 * for want of it, when its day ends, and when the node does; while the counters cannot be told, idle ones are kept, for
 * there is nothing else to spend. Of a node that was killed, the counters take back what was not settled when it starts
 * anew.
 */
import type { AccountFacts, NodeLeases, ReservationFacts, ReservationRequest, Trim } from "../../api/client.ts";
import { type ControlPlane, ControlPlaneNotAsked, ControlPlaneUnavailable } from "../control_plane.ts";
import type { Reservation } from "../envelope.ts";
import { startPeriodicWork } from "../periodic_work.ts";
import { Demand, leaseSize } from "./demand.ts";
import { Lease } from "./lease.ts";
import { LeaseBook } from "./lease_book.ts";
import { StoreClock } from "./store_clock.ts";

export interface ReservationsParts {
  readonly controlPlane: Pick<ControlPlane, "reserve" | "refund" | "account" | "leases">;
  /** A new id, unique for ever. */
  readonly newId: () => string;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  /** Resolves after so many ms. */
  readonly sleep: (ms: number) => Promise<void>;
  readonly onTrouble: (error: unknown) => void;
}

/** What came of a request. */
export interface Reserved {
  readonly facts: ReservationFacts;
  /** Part of the message's durable record, if it is accepted. */
  readonly reservation: Reservation;
  /** Nothing was accepted: gives it back. */
  readonly giveBack: () => void;
}

/** How often leases that are idle, or wanted elsewhere, are given back. */
const LOOK_AFTER_MS = 1000;
/** What others wanted is not leased again for so long: they have it by then, or another node's day is done. */
const WANTED_PAUSE_MS = 30_000;
/** After trouble, or a lease that was too much, the account's messages ask for themselves for so long. */
const TROUBLE_PAUSE_MS = 5000;
/** Somebody else's lease is back by then: nodes look every second, and the calls take their time. */
const RECALL_MS = 2000;
/** One of this node's own leases, one of the others'. */
const RECALLS = 2;
/** Trims, and accounts, in one call: fewer than the control plane takes. */
const MAX_BATCH = 500;

export class Reservations implements AsyncDisposable {
  readonly #parts: ReservationsParts;
  readonly #book = new LeaseBook();
  readonly #demand = new Demand();
  readonly #clock = new StoreClock();
  /** The counters must hear of them; by the lease's id, the last word counts. */
  readonly #trims = new Map<string, Trim>();
  /** Accounts for which a lease is being asked for, or that get none until then. */
  readonly #pausedUntil = new Map<string, number>();
  /** Leases that are being asked for; none of them rejects. */
  readonly #asking = new Set<Promise<void>>();
  readonly #lookingAfter: AsyncDisposable;

  constructor(parts: ReservationsParts) {
    this.#parts = parts;
    this.#lookingAfter = startPeriodicWork({
      work: () => this.lookAfter(),
      everyMs: LOOK_AFTER_MS,
      onTrouble: parts.onTrouble,
    });
  }

  /** @throws {ControlPlaneUnavailable} there is no lease to spend, and the counters cannot be asked. */
  async reserve(request: ReservationRequest): Promise<Reserved> {
    const { username, relays, ndr } = request;
    const now = this.#parts.monotonic();
    this.#demand.used(username, relays, now);
    // Reports are counted apart, by the counters.
    const lease = ndr ? undefined : this.#book.spend(username, relays, now, (lease) => this.#isGood(lease));
    if (lease === undefined) return await this.#ask(request);
    let account: AccountFacts | null;
    try {
      account = await this.#parts.controlPlane.account(username, false);
    } catch (error) {
      this.#giveBack(lease, relays);
      throw error;
    }
    if (account?.status !== "active") {
      this.#giveBack(lease, relays);
      return await this.#ask(request);
    }
    this.#leaseMore(username, lease.grant.limit - lease.used);
    return this.#ofLease(request, lease, account);
  }

  /** What this node has leased. */
  get leases(): NodeLeases {
    return this.#book.figures;
  }

  /** Gives all leases back, also those on their way, as far as the counters can be told. Nothing is reserved any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lookingAfter[Symbol.asyncDispose]();
    await Promise.all(this.#asking);
    for (const username of this.#book.usernames) this.#note(this.#book.endOf(username));
    try {
      await this.#tell();
    } catch (error) {
      // The next start has them taken back.
      if (!(error instanceof ControlPlaneUnavailable)) throw error;
      this.#parts.onTrouble(error);
    }
  }

  async #ask(request: ReservationRequest): Promise<Reserved> {
    const { id, username, relays, ndr } = request;
    for (let recalls = 0;; recalls++) {
      const facts = await this.#reserveInCounters(request);
      const { granted, day, used, leased, limit } = facts;
      if (granted) this.#leaseMore(username, limit - used - relays);
      const wouldFit = !granted && used + relays > limit && used - leased + relays <= limit;
      if (!wouldFit || recalls === RECALLS) {
        const giveBack = () => void this.#parts.controlPlane.refund({ id, username, day, relays });
        return { facts, reservation: { id, day, relays, ndr }, giveBack };
      }
      // What is missing is leased and may not be needed there. Here it is not: it goes back at once.
      this.#note(this.#book.endOf(username));
      this.#pause(username, WANTED_PAUSE_MS);
      await this.#tell();
      if (recalls > 0) await this.#parts.sleep(RECALL_MS);
    }
  }

  async #reserveInCounters(request: ReservationRequest): Promise<ReservationFacts> {
    const { controlPlane, monotonic } = this.#parts;
    const { id, username, relays } = request;
    try {
      const facts = await controlPlane.reserve(request);
      this.#clock.learn(facts.now, monotonic());
      return facts;
    } catch (error) {
      // It may have been granted all the same.
      if (!(error instanceof ControlPlaneNotAsked)) void controlPlane.refund({ id, username, day: null, relays });
      throw error;
    }
  }

  #ofLease(request: ReservationRequest, lease: Lease, account: AccountFacts): Reserved {
    const { id, relays } = request;
    const { day, limit, id: leaseId } = lease.grant;
    const now = this.#clock.now(this.#parts.monotonic()) ?? Date.parse(day);
    const used = lease.used - relays;
    return {
      facts: { id, granted: true, day, now, used, leased: lease.room, limit, relays, ndr: null, account },
      reservation: { id, day, relays, ndr: false, lease: leaseId },
      giveBack: () => this.#giveBack(lease, relays),
    };
  }

  #giveBack(lease: Lease, relays: number): void {
    const trim = lease.giveBack(relays);
    if (trim !== null) this.#note([trim]);
  }

  /** Asks for another lease, if one becomes the account. @param left relays of the day that nobody has. */
  #leaseMore(username: string, left: number): void {
    const now = this.#parts.monotonic();
    const relays = leaseSize(this.#demand.of(username, now), left);
    if (relays === 0 || this.#book.room(username) >= relays / 2) return;
    if ((this.#pausedUntil.get(username) ?? -Infinity) > now || this.#clock.day(now) === undefined) return;
    this.#pausedUntil.set(username, Infinity);
    const asked = this.#lease(username, relays).catch(this.#parts.onTrouble).finally(() => this.#asking.delete(asked));
    this.#asking.add(asked);
  }

  async #lease(username: string, relays: number): Promise<void> {
    const { newId, monotonic } = this.#parts;
    const id = newId();
    let pauseMs = TROUBLE_PAUSE_MS;
    try {
      const { granted, day, used, limit } = await this.#reserveInCounters(
        { id, username, relays, ndr: false, lease: true },
      );
      if (!granted) return;
      this.#book.add(new Lease({ id, username, day, relays, used, limit }, monotonic()));
      pauseMs = 0;
    } finally {
      // Unless somebody has wanted them meanwhile.
      if (this.#pausedUntil.get(username) === Infinity) this.#pausedUntil.delete(username);
      if (pauseMs > 0) this.#pause(username, pauseMs);
    }
  }

  /** Gives back what is idle, and what others want: every second, by itself. */
  async lookAfter(): Promise<void> {
    const now = this.#parts.monotonic();
    for (const [username, until] of this.#pausedUntil) if (until <= now) this.#pausedUntil.delete(username);
    this.#note(this.#book.endSpoilt((lease) => this.#isGood(lease)));
    if (this.#trims.size === 0 && this.#book.usernames.length === 0) return;
    await this.#tell();
    // Behind a call that got through: nobody would have what was ended without one, neither others nor this node.
    const idle = this.#book.endIdle(this.#parts.monotonic());
    if (idle.length === 0) return;
    this.#note(idle);
    await this.#tell();
  }

  /** Tells the counters what goes back, and ends what they say is wanted. */
  async #tell(): Promise<void> {
    const held = this.#book.usernames;
    do {
      const trims = [...this.#trims.values()].slice(0, MAX_BATCH);
      const { wanted } = await this.#parts.controlPlane.leases(trims, held.splice(0, MAX_BATCH));
      for (const trim of trims) if (this.#trims.get(trim.id) === trim) this.#trims.delete(trim.id);
      for (const username of wanted) {
        this.#note(this.#book.endOf(username));
        this.#pause(username, WANTED_PAUSE_MS);
      }
    } while (this.#trims.size > 0 || held.length > 0);
  }

  #note(trims: readonly Trim[]): void {
    for (const trim of trims) this.#trims.set(trim.id, trim);
  }

  #pause(username: string, ms: number): void {
    this.#pausedUntil.set(username, this.#parts.monotonic() + ms);
  }

  #isGood(lease: Lease): boolean {
    return this.#clock.day(this.#parts.monotonic()) === lease.grant.day;
  }
}
