/**
 * One attempt to bring a message to one next hop: open sessions first, then its hosts in order, until each recipient
 * has a verdict that settles or there is nobody left to ask.
 */
import type { Content } from "../spool/types.ts";
import type { OutgoingEnvelope } from "./commands.ts";
import { candidates } from "./host_order.ts";
import type { HostsHop } from "./next_hop.ts";
import { laterVerdict, ownVerdict, type Verdict } from "./outcome.ts";
import type { Lease, Pool } from "./pool.ts";
import type { Opening } from "./smtp_client.ts";
import type { RemoteAddress, SmtpSession } from "./smtp_session.ts";
import { transact } from "./transaction.ts";

/** What became of one recipient in a round, and who said so. */
export interface AttemptResult {
  /** Index in the message's envelope. */
  readonly recipient: number;
  readonly verdict: Verdict;
  /** Name and literal address of the remote server; null where none was reached. */
  readonly host: string | null;
  readonly address: string | null;
  readonly tls: string | null;
  /** What became of the domain's policy for TLS; null where it has none. */
  readonly tlsVerdict: string | null;
  /** Whether that server has DSN, so that it was given the sender's request and reports from there on. */
  readonly dsnPassedOn: boolean;
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
  readonly envelope: Omit<OutgoingEnvelope, "recipients">;
  readonly addressees: readonly Addressee[];
  readonly content: Content;
}

/** Recipients of one transaction (RFC 5321 4.5.3.1.8: each server takes at least these). */
const RECIPIENTS_PER_TRANSACTION = 100;

export class Attempt {
  /** By index in the envelope. */
  readonly #results = new Map<number, AttemptResult>();

  constructor(
    private readonly message: OutgoingMessage,
    private readonly hop: HostsHop,
    private readonly pool: Pool,
    private readonly open: (remote: RemoteAddress) => Promise<Opening>,
  ) {}

  /**
   * Waits for a connection, and gives it back as soon as the last answer was read.
   *
   * @throws {PoolClosed} and what reading the content throws.
   */
  async run(): Promise<readonly AttemptResult[]> {
    const lease = await this.pool.acquire(this.hop.key);
    try {
      const used = await this.#useSession(lease);
      if (this.#unsettled().length > 0) await this.#tryHosts(lease, used);
    } finally {
      this.pool.release(lease);
    }
    for (const { recipient } of this.#unsettled()) if (!this.#results.has(recipient)) this.#judge(recipient, NOBODY);
    return [...this.#results.values()];
  }

  /** @returns the address that has had its chance. */
  async #useSession(lease: Lease): Promise<RemoteAddress | undefined> {
    const session = lease.session;
    if (session === undefined) return undefined;
    const stale = await this.#send(session, lease);
    return stale ? undefined : session.remote;
  }

  async #tryHosts(lease: Lease, used: RemoteAddress | undefined): Promise<void> {
    for await (const candidate of candidates(this.hop)) {
      if (candidate.kind === "none") {
        this.#judgeUnsettled(candidate.verdict, { ...NO_SOURCE, host: candidate.host });
        continue;
      }
      const { remote } = candidate;
      if (remote.address === used?.address && remote.port === used.port) continue;
      if (lease.session !== undefined) this.pool.sayGoodbye(lease.session);
      lease.session = undefined;
      const opening = await this.open(remote);
      if (opening.kind === "refused") {
        this.#judgeUnsettled(opening.verdict, { ...NO_SOURCE, host: remote.name, address: remote.address });
        continue;
      }
      lease.session = opening.session;
      await this.#send(opening.session, lease);
      if (this.#unsettled().length === 0) return;
    }
  }

  /** As many transactions as the server's limit asks for. @returns whether the session was gone before the first. */
  async #send(session: SmtpSession, lease: Lease): Promise<boolean> {
    const { remote, tls, tlsVerdict, capabilities } = session;
    const limit = Math.min(RECIPIENTS_PER_TRANSACTION, capabilities.maxRecipients ?? Infinity);
    const source = { host: remote.name, address: remote.address, tls, tlsVerdict, dsnPassedOn: capabilities.dsn };
    let waiting = this.#unsettled();
    while (waiting.length > 0) {
      const batch = waiting.slice(0, limit);
      // Taken out of the lease until it is known to live: whatever is thrown, a dead session is not handed on.
      lease.session = undefined;
      const report = await transact(session, this.#envelope(batch), this.message.content);
      if (report.stale) return true;
      if (report.alive) lease.session = session;
      const full: Addressee[] = [];
      batch.forEach((addressee, at) => {
        const verdict = report.verdicts[at];
        if (verdict === undefined) full.push(addressee);
        else this.#judge(addressee.recipient, verdict, source);
      });
      if (!report.alive) return false;
      waiting = [...full, ...waiting.slice(limit)];
    }
    return false;
  }

  #envelope(batch: readonly Addressee[]): OutgoingEnvelope {
    const { envelope } = this.message;
    const { dsnRequest } = envelope;
    return {
      ...envelope,
      recipients: batch.map(({ forwardPath }) => forwardPath),
      dsnRequest: dsnRequest && {
        ...dsnRequest,
        recipients: batch.map(({ recipient }) => dsnRequest.recipients[recipient] ?? null),
      },
    };
  }

  #unsettled(): readonly Addressee[] {
    return this.message.addressees.filter(({ recipient }) => this.#results.get(recipient)?.verdict.settled !== true);
  }

  #judgeUnsettled(verdict: Verdict, from: Source): void {
    for (const { recipient } of this.#unsettled()) this.#judge(recipient, verdict, from);
  }

  #judge(recipient: number, verdict: Verdict, from: Source = NO_SOURCE): void {
    const earlier = this.#results.get(recipient);
    // Who said what counts stays beside it.
    if (laterVerdict(earlier?.verdict, verdict) === verdict) {
      this.#results.set(recipient, { recipient, verdict, ...from });
    }
  }
}

type Source = Omit<AttemptResult, "recipient" | "verdict">;

/** No server was reached. */
export const NO_SOURCE: Source = { host: null, address: null, tls: null, tlsVerdict: null, dsnPassedOn: false };
// Every host was left out for its addresses, or there was only the one whose session had just died.
const NOBODY = ownVerdict("deferred", "4.4.1", "no host of the next hop could be tried");
