/**
 * One round of a message: every recipient that is due gets one attempt, by next hop, and what came of it is recorded.
 *
 * Deliveries and deferrals are recorded as soon as they are known, next hop by next hop. Recipients whose failure or
 * delay the sender is told of wait for the end of the round, or for a while where a next hop is slow, and are recorded
 * together with the one DSN about them, in one record: both survive a crash, or neither does, and the attempt is made
 * again.
 */
import type { Logger, LogRecord } from "@logtape/logtape";
import type { Signing } from "../dkim/signer.ts";
import type { Envelope } from "../envelope.ts";
import { domainOf } from "../spool/index_row.ts";
import type { Content, QueuedMessage } from "../spool/types.ts";
import { type Addressee, Attempt, type AttemptResult, NO_SOURCE, NOT_ASKED, OWN_TROUBLE } from "./attempt.ts";
import { DestinationSuspended } from "./destination.ts";
import { type DsnAction, dsnActionFor } from "./dsn_duty.ts";
import { verdictOfTroubleInDns } from "./host_order.ts";
import type { LeftAlone } from "./left_alone.ts";
import type { HostsHop, NextHop } from "./next_hop.ts";
import { groupByNextHop, type NextHopGroup } from "./next_hop_groups.ts";
import { ownVerdict, type Verdict } from "./outcome.ts";
import { type Pool, PoolClosed } from "./pool.ts";
import type { Reached } from "./reach.ts";
import type { Recorder } from "./recorder.ts";
import { reportedOutcome } from "./reported_outcome.ts";
import { LONGEST_POSTPONEMENT_MS, type RetrySchedule } from "./retry.ts";
import { returnedFor } from "./returned_content.ts";
import { type Ending, endingsOf, outcomeOf, postponement, type PutOff } from "./round_outcome.ts";
import type { RemoteHost } from "./smtp_session.ts";
import { skippedOutcome } from "./skipped.ts";
import { needsSmtputf8 } from "./smtputf8_need.ts";

export interface RoundParts {
  readonly nextHop: (domain: string) => Promise<NextHop>;
  /** @throws what reading the content throws. */
  readonly sign: (envelope: Envelope, content: Content) => Promise<Signing>;
  readonly pool: Pool;
  readonly leftAlone: LeftAlone;
  readonly reach: (host: RemoteHost, addresses: readonly string[]) => Promise<Reached>;
  readonly recorder: Recorder;
  readonly schedule: RetrySchedule;
  readonly serviceName: string;
  /** Epoch ms. */
  readonly now: () => number;
  readonly random: () => number;
  readonly newId: () => string;
  readonly log: Logger;
  /** Whether sessions are being cut off because the process ends: a deferral then says nothing about a next hop. */
  readonly isCutOff: () => boolean;
}

// RFC 3463 3.5: X.4.5, mail system congestion.
const IN_LINE = ownVerdict("deferred", "4.4.5", "not tried, as more mail waits for this next hop than is sent there");

export class Round {
  readonly #random: number;
  readonly #records: Promise<boolean>[] = [];
  /** Endings that wait for the DSN about them, until `#report`. */
  readonly #failed: Ending[] = [];
  readonly #delayed: Ending[] = [];
  /** One for all next hops. */
  #signing: Promise<Signing> | undefined;

  constructor(private readonly message: QueuedMessage, private readonly parts: RoundParts) {
    this.#random = parts.random();
  }

  /** Resolves when the round is over, to whether all of it was recorded, so that the message may be given back. */
  async run(): Promise<boolean> {
    this.#endSkipped();
    const groups = await groupByNextHop(this.message, this.parts.now(), this.parts.nextHop);
    const [only] = groups;
    if (only !== undefined && groups.length === 1) await this.#deliver(only);
    else await this.#deliverAll(groups);
    this.#report();
    const [record] = this.#records;
    if (record !== undefined && this.#records.length === 1) return await record;
    const recorded = await Promise.all(this.#records);
    return recorded.every((each) => each);
  }

  #endSkipped(): void {
    const { recorder, now, newId, log } = this.parts;
    const outcome = skippedOutcome(this.message, now(), newId);
    if (outcome === null) return;
    this.#keep(recorder.record(outcome));
    for (const { account, messageId, recipients: [recipient], reply } of outcome.events) {
      log.info("skipped", { messageId, account, recipient, reply });
    }
  }

  /** Whose sender is to be told waits for slow next hops no longer than who was deferred does for the next attempt. */
  async #deliverAll(groups: readonly NextHopGroup[]): Promise<void> {
    const timer = setInterval(() => this.#report(), this.parts.schedule.firstIntervalMs);
    try {
      await Promise.all(groups.map((group) => this.#deliver(group)));
    } finally {
      clearInterval(timer);
    }
  }

  async #deliver({ hop, addressees }: NextHopGroup): Promise<void> {
    if (hop.kind !== "hosts") return this.#settle(sameFor(addressees, verdictOfTroubleInDns(hop, true)));
    const congestionMs = this.parts.pool.congestionMs(hop.key);
    if (congestionMs > 0) return this.#postpone(addressees, congestionMs);
    const suspended = this.parts.pool.suspended(hop.key);
    if (suspended !== null) return this.#leaveAlone(hop, addressees, suspended);
    try {
      const results = await this.#attempt(hop, this.#unaskedFirst(addressees));
      for (const { recipient, forwardPath } of addressees) {
        this.parts.leftAlone.attempted(domainOf(forwardPath), hop.key, this.message.recipients[recipient]!);
      }
      // Cut off, only what a server said for good counts; for the rest the process ended a moment earlier.
      const cutOff = this.parts.isCutOff();
      this.#settle(cutOff ? results.filter(({ verdict }) => verdict.kind !== "deferred") : results);
    } catch (error) {
      // Nothing was tried: the recipients stay as they are.
      if (error instanceof PoolClosed) return;
      if (error instanceof DestinationSuspended) return this.#leaveAlone(hop, addressees, error.verdict);
      this.#onOwnTrouble(error);
      this.#settle(sameFor(addressees, OWN_TROUBLE));
    }
  }

  /** Whose turn did not come the last time: a server that takes few at a time meets others before those that it defers. */
  #unaskedFirst(addressees: readonly Addressee[]): readonly Addressee[] {
    if (addressees.length === 1) return addressees;
    const { recipients } = this.message;
    const { unasked = [], others = [] } = Object.groupBy(
      addressees,
      ({ recipient }) => recipients[recipient]!.lastReply === NOT_ASKED.reply ? "unasked" : "others",
    );
    return [...unasked, ...others];
  }

  async #attempt(hop: HostsHop, addressees: readonly Addressee[]): Promise<readonly AttemptResult[]> {
    const { message: { envelope }, parts: { pool, reach, now } } = this;
    const signing = await (this.#signing ??= this.#sign());
    if (signing.kind === "deferred") return sameFor(addressees, ownVerdict("deferred", "4.3.0", signing.why));
    const { content } = signing;
    const outgoing = {
      reversePath: envelope.reversePath,
      body: envelope.body,
      dsnRequest: envelope.dsnRequest,
      sizeBytes: content.sizeBytes,
    };
    const message = {
      envelope: outgoing,
      needsSmtputf8: await needsSmtputf8(envelope, content),
      addressees,
      content,
    };
    return await new Attempt(message, hop, pool, reach, now, (error) => this.#onOwnTrouble(error)).run();
  }

  #onOwnTrouble(error: unknown): void {
    const messageId = this.message.envelope.id;
    this.parts.log.error("an attempt failed for a reason of our own: {error}", { messageId, error });
  }

  async #sign(): Promise<Signing> {
    return await this.parts.sign(this.message.envelope, await this.message.content());
  }

  /** The line at their destination is long: they come back later, but for those whose sender is to hear of it now. */
  #postpone(addressees: readonly Addressee[], congestionMs: number): void {
    const at = this.parts.now();
    const { receivedAt } = this.message.envelope;
    const { delayWarningMs, expiryMs } = this.parts.schedule;
    // Between half and all of the time that the line takes: what is put off does not come back all at once.
    const delayMs = Math.min(congestionMs * (1 + this.#random) / 2, LONGEST_POSTPONEMENT_MS);
    const times = [receivedAt + delayWarningMs, receivedAt + expiryMs].filter((time) => time > at);
    const dueAt = Math.min(Math.round(at + delayMs), ...times);
    const { told = [], untold = [] } = Object.groupBy(
      addressees,
      ({ recipient }) => this.#isWordDue(recipient, at) ? "told" : "untold",
    );
    this.#putOff(untold.map(({ recipient }) => ({ recipient, dueAt })));
    // Nobody was asked, so that there is no reason to wait for longer than the others do.
    const schedule = { ...this.parts.schedule, longestIntervalMs: LONGEST_POSTPONEMENT_MS };
    if (told.length > 0) this.#settle(sameFor(told, IN_LINE), { schedule });
  }

  /** Whether the sender of a recipient that is not served is to hear of its delay now, or that its time is up. */
  #isWordDue(recipient: number, at: number): boolean {
    const { message: { envelope, recipients }, parts: { schedule: { delayWarningMs, expiryMs } } } = this;
    const ageMs = at - envelope.receivedAt;
    if (ageMs >= expiryMs) return true;
    const { delayReported } = recipients[recipient]!;
    const circumstances = { status: "queued", dsnPassedOn: false, ageMs, delayWarningMs, delayReported } as const;
    return dsnActionFor(envelope, recipient, circumstances) !== null;
  }

  /** Its destination is suspended: who was deferred already waits, without a word of it. */
  #leaveAlone({ key }: HostsHop, addressees: readonly Addressee[], verdict: Verdict): void {
    const { leftAlone, now } = this.parts;
    const { envelope: { receivedAt }, recipients } = this.message;
    const deferred: Addressee[] = [], putOff: PutOff[] = [];
    for (const addressee of addressees) {
      const { recipient, forwardPath } = addressee;
      leftAlone.note(domainOf(forwardPath), key);
      const dueAt = leftAlone.untilOf(key, recipients[recipient]!, receivedAt, now());
      if (dueAt === undefined) deferred.push(addressee);
      else putOff.push({ recipient, dueAt });
    }
    this.#putOff(putOff);
    if (deferred.length > 0) this.#settle(sameFor(deferred, verdict), { notBefore: leftAlone.turn(key, now()) });
  }

  #putOff(putOff: readonly PutOff[]): void {
    if (putOff.length > 0) this.#keep(this.parts.recorder.record(postponement(this.message, putOff)));
  }

  /** @param notBefore when the next attempts are due at the earliest (epoch ms), but for the warning's time. */
  #settle(results: readonly AttemptResult[], { notBefore = 0, schedule = this.parts.schedule } = {}): void {
    const { recorder, newId, now } = this.parts;
    const at = now();
    const unreported: Ending[] = [], relayed: Ending[] = [];
    for (const ending of endingsOf(this.message, results, { now: at, random: this.#random, schedule, notBefore })) {
      switch (ending.dsnAction) {
        case null:
          unreported.push(ending);
          break;
        case "relayed":
          relayed.push(ending);
          break;
        case "failed":
          this.#failed.push(ending);
          break;
        case "delayed":
          this.#delayed.push(ending);
      }
      this.#log(ending);
    }
    if (unreported.length > 0) this.#keep(recorder.record(outcomeOf(this.message, unreported, at, newId)));
    // Delivered: to wait for other next hops would risk a duplicate.
    this.#recordReported("relayed", relayed);
  }

  #log({ status, forwardPath: recipient, host, address, tls, tlsVerdict, attempts, verdict: { reply } }: Ending): void {
    const { envelope: { id: messageId, account } } = this.message;
    const { log, now } = this.parts;
    // A whole record costs a fifth of what `info` does, and nearly all lines of the log are this one.
    const line: LogRecord = {
      category: log.category,
      level: "info",
      timestamp: now(),
      message: [status],
      rawMessage: status,
      properties: { messageId, account, recipient, host, address, tls, tlsVerdict, attempts, reply },
    };
    log.emit(line);
  }

  /** Its trouble is met at the end of the round, which may be far. */
  #keep(record: Promise<boolean>): void {
    record.catch(() => {});
    this.#records.push(record);
  }

  #report(): void {
    this.#recordReported("failed", this.#failed);
    this.#recordReported("delayed", this.#delayed);
  }

  /** Takes the endings off their list. */
  #recordReported(action: DsnAction, endings: Ending[]): void {
    if (endings.length > 0) this.#keep(this.#recordWithDsn(action, endings.splice(0)));
  }

  async #recordWithDsn(action: DsnAction, endings: readonly Ending[]): Promise<boolean> {
    const { recorder, newId, serviceName, schedule, now, log } = this.parts;
    const returned = await returnedFor(this.message, action, (error) => {
      const messageId = this.message.envelope.id;
      log.error("the original could not be read for a DSN: {error}", { messageId, error });
    });
    const retryUntil = this.message.envelope.receivedAt + schedule.expiryMs;
    const context = { serviceName, now: now(), newId, returned, retryUntil };
    return await recorder.record(reportedOutcome(this.message, action, endings, context));
  }
}

function sameFor(addressees: readonly Addressee[], verdict: Verdict): AttemptResult[] {
  return addressees.map(({ recipient }) => ({ recipient, verdict, ...NO_SOURCE, passedOver: [] }));
}
