/**
 * One attempt to bring a message to one next hop: open sessions first, then its hosts in order, until each recipient
 * has a verdict that settles or there is nobody left to ask.
 */
import type { Content } from "../spool/types.ts";
import type { OutgoingEnvelope } from "./commands.ts";
import { candidates } from "./host_order.ts";
import type { HostsHop } from "./next_hop.ts";
import { laterVerdict, ownVerdict, type Verdict, verdictWithoutTls } from "./outcome.ts";
import type { Lease, Pool } from "./pool.ts";
import type { Reached } from "./reach.ts";
import type { RemoteAddress, RemoteHost, SmtpSession } from "./smtp_session.ts";
import { isInternational } from "./smtputf8_need.ts";
import { transact } from "./transaction.ts";

/** Who said something, and how. */
export interface Source {
  /** Name and literal address of the remote server; null where none was reached. */
  readonly host: string | null;
  readonly address: string | null;
  readonly tls: string | null;
  /** What became of the domain's policy for TLS; null where it has none. */
  readonly tlsVerdict: string | null;
  /** Whether that server has DSN, so that it was given the sender's request and reports from there on. */
  readonly dsnPassedOn: boolean;
}

/** What a host said, or failed to say, of some recipients. */
export interface Trial extends Source {
  /** Epoch ms. */
  readonly at: number;
  readonly verdict: Verdict;
}

/** What became of one recipient in a round, and who said so. */
export interface AttemptResult extends Source {
  /** Index in the message's envelope. */
  readonly recipient: number;
  readonly verdict: Verdict;
  /** The hosts that were tried and did not have the last word, in their order. */
  readonly passedOver: readonly Trial[];
}

/** A recipient in an attempt. */
export interface Addressee {
  /** Index in the message's envelope. */
  readonly recipient: number;
  readonly forwardPath: string;
}

/** A message as one attempt sees it. */
export interface OutgoingMessage {
  /** The recipients of its `dsnRequest` are parallel to those of the message's envelope. */
  readonly envelope: Omit<OutgoingEnvelope, "recipients" | "needsSmtputf8">;
  /** Whoever it goes to. */
  readonly needsSmtputf8: boolean;
  readonly addressees: readonly Addressee[];
  readonly content: Content;
}

/** Recipients of one transaction (RFC 5321 4.5.3.1.8: each server takes at least these). */
const RECIPIENTS_PER_TRANSACTION = 100;
/**
 * Sessions with one address. Some servers take one recipient in each: most messages then need one round, and the rest
 * a few, while the next message does not have to wait for a hundred sessions.
 */
const SESSIONS_PER_ADDRESS = 10;
/** Transactions for which a session with a backup is kept: then the best hosts are asked again. */
const BACKUP_TRANSACTIONS = 20;

export class Attempt {
  /** By index in the envelope: the trial that counts, and all there were. */
  readonly #trials = new Map<number, { readonly counts: Trial; readonly all: readonly Trial[] }>();
  /** The last host that could not be reached. */
  #unreachable: Verdict | undefined;
  /** A session with one of the best hosts was opened. */
  #bestReached = false;

  constructor(
    private readonly message: OutgoingMessage,
    private readonly hop: HostsHop,
    private readonly pool: Pool,
    private readonly reach: (host: RemoteHost, addresses: readonly string[]) => Promise<Reached>,
    /** Epoch ms. */
    private readonly now: () => number,
    /** Hears what broke an attempt off that is no matter of the next hop: what reading the content throws. */
    private readonly onTrouble: (error: unknown) => void,
  ) {}

  /**
   * Waits for a connection, and gives it back as soon as the last answer was read.
   *
   * @throws {PoolClosed} and {DestinationSuspended}: nothing was tried.
   */
  async run(): Promise<readonly AttemptResult[]> {
    const lease = await this.pool.acquire(this.hop.key, this.hop.hosts);
    try {
      const { session } = lease;
      const stale = session !== undefined && await this.#sendAll(session, lease);
      // An open session's address has had its chance.
      if (this.#unsettled().length > 0) await this.#tryHosts(lease, stale ? undefined : session?.remote);
      if (this.#unreachable !== undefined) lease.experience ??= { kind: "unreachable", why: this.#unreachable.reply };
    } catch (error) {
      // Who had an answer before keeps it: to be asked again may mean to have the message twice.
      this.#judge(this.#unsettled(), OWN_TROUBLE, NO_SOURCE);
      this.onTrouble(error);
    } finally {
      this.#dropUnlessGood(lease);
      this.pool.release(lease);
    }
    const untried = this.message.addressees.filter(({ recipient }) => !this.#trials.has(recipient));
    if (untried.length > 0) this.#judge(untried, NOBODY, NO_SOURCE);
    const results: AttemptResult[] = [];
    for (const [recipient, { counts, all }] of this.#trials) {
      const { verdict, host, address, tls, tlsVerdict, dsnPassedOn } = counts;
      const passedOver = all.filter((trial) => trial !== counts);
      results.push({ recipient, verdict, host, address, tls, tlsVerdict, dsnPassedOn, passedOver });
    }
    return results;
  }

  async #tryHosts(lease: Lease, used: RemoteAddress | undefined): Promise<void> {
    for await (const candidate of candidates(this.hop)) {
      if (candidate.kind === "none") {
        this.#judge(this.#unsettled(), candidate.verdict, { ...NO_SOURCE, host: candidate.host });
        continue;
      }
      const { host, addresses } = candidate;
      await this.#tryHost(host, addresses.filter((each) => each !== used?.address || host.port !== used.port), lease);
      if (this.#unsettled().length === 0) return;
    }
  }

  /** One of its addresses after another, whichever connects first, until one has settled it. */
  async #tryHost(host: RemoteHost, addresses: readonly string[], lease: Lease): Promise<void> {
    let left = addresses;
    while (left.length > 0 && this.#unsettled().length > 0) {
      const tried = await this.#open(host, left, this.#unsettled(), lease);
      left = left.filter((address) => !tried.has(address));
      if (lease.session !== undefined) await this.#sendAll(lease.session, lease);
    }
  }

  /** A new session in place of the lease's, if one can be had for `waiting`. @returns the addresses that were tried. */
  async #open(
    host: RemoteHost,
    addresses: readonly string[],
    waiting: readonly Addressee[],
    lease: Lease,
  ): Promise<ReadonlySet<string>> {
    this.#drop(lease);
    const { failures, opening, remote } = await this.reach(host, addresses);
    for (const { address, verdict } of failures) this.#refused(host.name, address, verdict, waiting, lease);
    const tried = new Set(failures.map(({ address }) => address));
    if (opening === null) return tried;
    if (opening.kind === "refused") this.#refused(host.name, remote.address, opening.verdict, waiting, lease);
    else {
      lease.session = opening.session;
      this.#bestReached ||= this.#isBest(remote);
    }
    return tried.add(remote.address);
  }

  #drop(lease: Lease): void {
    if (lease.session !== undefined) this.pool.sayGoodbye(lease.session);
    lease.session = undefined;
  }

  /**
   * Ends a session that is not for the next message. RFC 5321 5.1: the best hosts are asked first, so a session with
   * another is kept only while none of them can be reached, and not for long.
   */
  #dropUnlessGood(lease: Lease): void {
    const { session } = lease;
    if (session === undefined) return;
    const isGood = this.#isBest(session.remote) ||
      !this.#bestReached && session.transactions < BACKUP_TRANSACTIONS;
    if (!isGood || session.wantsTls) this.#drop(lease);
  }

  #isBest({ name, port }: RemoteHost): boolean {
    const { hosts } = this.hop;
    return hosts.some((host) => host.name === name && host.port === port && host.rank === hosts[0]!.rank);
  }

  #refused(host: string, address: string, verdict: Verdict, waiting: readonly Addressee[], lease: Lease): void {
    this.#judge(waiting, verdict, { ...NO_SOURCE, host, address });
    // A host that refuses us for good is there.
    if (verdict.kind === "failed") lease.experience ??= { kind: "served" };
    else this.#unreachable = verdict;
  }

  /**
   * In as many sessions with one address as it takes, from this one on.
   *
   * @returns whether this one was gone before it answered anything.
   */
  async #sendAll(first: SmtpSession, lease: Lease): Promise<boolean> {
    let session = first;
    let waiting = this.#unsettled();
    for (let sessions = 1;; sessions++) {
      const left = await this.#send(session, waiting, lease);
      if (left === "stale") return true;
      if (left.length === 0) return false;
      const again = sessions < SESSIONS_PER_ADDRESS && lease.experience?.kind === "served";
      if (again) await this.#open(session.remote, [session.remote.address], left, lease);
      if (!again || lease.session === undefined) {
        this.#judge(left, NOT_ASKED, sourceOf(session));
        return false;
      }
      session = lease.session;
      waiting = left;
    }
  }

  /**
   * As many transactions as the server's limits ask for, and allow.
   *
   * @returns who is left because the session is at its end; "stale" where it was so before the first transaction.
   */
  async #send(
    session: SmtpSession,
    addressees: readonly Addressee[],
    lease: Lease,
  ): Promise<readonly Addressee[] | "stale"> {
    const { smtputf8, maxRecipients, maxMessages } = session.capabilities;
    const limit = Math.min(RECIPIENTS_PER_TRANSACTION, maxRecipients ?? Infinity);
    const source = sourceOf(session);
    let waiting = addressees;
    if (!smtputf8) {
      const unfit = waiting.filter((addressee) => this.#needsSmtputf8([addressee]));
      if (unfit.length > 0) {
        // With TLS it may have it.
        const verdict = session.missedTls === undefined
          ? NO_SMTPUTF8
          : verdictWithoutTls(session.missedTls, NO_SMTPUTF8.reply);
        this.#judge(unfit, verdict, source);
        waiting = waiting.filter((addressee) => !unfit.includes(addressee));
        if (waiting.length === 0) lease.experience ??= { kind: "served" };
      }
    }
    for (let first = true; waiting.length > 0; first = false) {
      if (session.transactions >= (maxMessages ?? Infinity)) return waiting;
      const batch = waiting.slice(0, limit);
      // Taken out of the lease until it is known to live: whatever is thrown, a dead session is not handed on.
      lease.session = undefined;
      const report = await transact(session, this.#envelope(batch), this.message.content);
      if (report.stale) return first ? "stale" : waiting;
      if (report.alive) lease.session = session;
      lease.experience = { kind: report.alive ? "served" : "strained" };
      this.#judgeEach(batch, report.verdicts, source);
      const full = batch.filter((_, at) => report.verdicts[at] === undefined);
      waiting = waiting.length > limit ? [...full, ...waiting.slice(limit)] : full;
      if (!report.alive) return waiting;
    }
    return waiting;
  }

  #envelope(batch: readonly Addressee[]): OutgoingEnvelope {
    const { envelope } = this.message;
    const { dsnRequest } = envelope;
    return {
      ...envelope,
      recipients: batch.map(({ forwardPath }) => forwardPath),
      needsSmtputf8: this.#needsSmtputf8(batch),
      dsnRequest: dsnRequest && {
        ...dsnRequest,
        recipients: batch.map(({ recipient }) => dsnRequest.recipients[recipient] ?? null),
      },
    };
  }

  #needsSmtputf8(addressees: readonly Addressee[]): boolean {
    return this.message.needsSmtputf8 || addressees.some(({ forwardPath }) => isInternational(forwardPath));
  }

  #unsettled(): readonly Addressee[] {
    return this.message.addressees.filter(({ recipient }) =>
      this.#trials.get(recipient)?.counts.verdict.settled !== true
    );
  }

  /** Recipients of whom the same was said share a trial. */
  #judgeEach(batch: readonly Addressee[], verdicts: readonly (Verdict | undefined)[], source: Source): void {
    const [first] = verdicts;
    // Most batches are of one recipient: nothing to compare.
    if (first !== undefined && batch.length === 1) return this.#judge(batch, first, source);
    const alike = Map.groupBy(batch.entries(), ([at]) => {
      const verdict = verdicts[at];
      return verdict && JSON.stringify([verdict.kind, verdict.settled, verdict.status, verdict.reply]);
    });
    for (const entries of alike.values()) {
      const verdict = verdicts[entries[0]![0]];
      if (verdict !== undefined) this.#judge(entries.map(([, addressee]) => addressee), verdict, source);
    }
  }

  #judge(addressees: readonly Addressee[], verdict: Verdict, source: Source): void {
    const trial: Trial = { at: this.now(), verdict, ...source };
    for (const { recipient } of addressees) {
      const before = this.#trials.get(recipient);
      // Who said what counts stays beside it.
      const counts = laterVerdict(before?.counts.verdict, verdict) === verdict ? trial : before!.counts;
      this.#trials.set(recipient, { counts, all: before === undefined ? [trial] : [...before.all, trial] });
    }
  }
}

function sourceOf({ remote, tls, tlsVerdict, capabilities }: SmtpSession): Source {
  return { host: remote.name, address: remote.address, tls, tlsVerdict, dsnPassedOn: capabilities.dsn };
}

/** No server was reached. */
export const NO_SOURCE: Source = { host: null, address: null, tls: null, tlsVerdict: null, dsnPassedOn: false };
// Every host was left out for its addresses, or there was only the one whose session had just died.
const NOBODY = ownVerdict("deferred", "4.4.1", "no host of the next hop could be tried");
// RFC 3463 3.5: X.4.2, bad connection. Another host may have more time for it.
export const NOT_ASKED = ownVerdict("deferred", "4.4.2", "the session ended before this recipient's turn came", false);
/** What stood in the way is no matter of the next hop: a content that cannot be read, say. */
export const OWN_TROUBLE = ownVerdict("deferred", "4.3.0", "the relay has a passing trouble of its own");
// RFC 6531 3.2 and 6.1 (status 5.6.7); another host of the same next hop may have it.
const NO_SMTPUTF8 = ownVerdict(
  "failed",
  "5.6.7",
  "the recipient's server cannot take messages with international (UTF-8) addresses or headers",
  false,
);
