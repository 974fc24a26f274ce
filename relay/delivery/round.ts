/**
 * One round of a message: every recipient that is due gets one attempt, by next hop, and what came of it is recorded.
 *
 * Deliveries and deferrals are recorded as soon as they are known, next hop by next hop. Recipients that failed for
 * good wait for the end of the round and are recorded together with the one DSN about them, in one record: both
 * survive a crash, or neither does, and the attempt is made again.
 */
import type { Logger } from "@logtape/logtape";
import type { QueuedMessage } from "../spool/types.ts";
import { type Addressee, Attempt, type AttemptResult } from "./attempt.ts";
import { failureOutcome, isReturnable } from "./failure_outcome.ts";
import { readHeaderSection } from "./header_section.ts";
import { type HostsHop, verdictOfTroubleInDns } from "./host_order.ts";
import type { NextHop } from "./next_hop.ts";
import { groupByNextHop, type NextHopGroup } from "./next_hop_groups.ts";
import { ownVerdict, type Verdict } from "./outcome.ts";
import { type Pool, PoolClosed } from "./pool.ts";
import type { Recorder } from "./recorder.ts";
import type { RetrySchedule } from "./retry.ts";
import { type Ending, endingsOf, outcomeOf, postponement } from "./round_outcome.ts";
import type { Opening } from "./smtp_client.ts";
import type { RemoteAddress } from "./smtp_session.ts";
import { needsSmtputf8 } from "./smtputf8_need.ts";

export interface RoundParts {
  readonly nextHop: (domain: string) => Promise<NextHop>;
  readonly pool: Pool;
  readonly open: (remote: RemoteAddress) => Promise<Opening>;
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

/** Octets of the original's header that a DSN carries. */
const DSN_HEADER_OCTETS = 32 * 1024;
/** Nobody stays away longer than this from a line that may have become short, in ms. */
const LONGEST_POSTPONEMENT_MS = 5 * 60_000;

const OWN_TROUBLE = ownVerdict("deferred", "4.3.0", "the relay has a passing trouble of its own");

export class Round {
  readonly #random: number;
  readonly #records: Promise<boolean>[] = [];
  /** Bounced or expired. */
  readonly #failed: Ending[] = [];

  constructor(private readonly message: QueuedMessage, private readonly parts: RoundParts) {
    this.#random = parts.random();
  }

  /** Resolves when the round is over, to whether all of it was recorded, so that the message may be released. */
  async run(): Promise<boolean> {
    const groups = await groupByNextHop(this.message, this.parts.now(), this.parts.nextHop);
    const [only] = groups;
    if (only !== undefined && groups.length === 1) await this.#deliver(only);
    else await Promise.all(groups.map((group) => this.#deliver(group)));
    if (this.#failed.length > 0) this.#records.push(this.#recordFailures());
    const recorded = await Promise.all(this.#records);
    return recorded.every((each) => each);
  }

  async #deliver({ hop, addressees }: NextHopGroup): Promise<void> {
    if (hop.kind !== "hosts") return this.#settle(sameFor(addressees, verdictOfTroubleInDns(hop, true)));
    const congestionMs = this.parts.pool.congestionMs(hop.key);
    if (congestionMs > 0) return this.#postpone(addressees, congestionMs);
    try {
      const results = await this.#attempt(hop, addressees);
      // Cut off, only what a server said for good counts; for the rest the process ended a moment earlier.
      const cutOff = this.parts.isCutOff();
      this.#settle(cutOff ? results.filter(({ verdict }) => verdict.kind !== "deferred") : results);
    } catch (error) {
      // Nothing was tried: the recipients stay as they are.
      if (error instanceof PoolClosed) return;
      const messageId = this.message.envelope.id;
      this.parts.log.error("an attempt failed for a reason of our own: {error}", { messageId, error });
      this.#settle(sameFor(addressees, OWN_TROUBLE));
    }
  }

  async #attempt(hop: HostsHop, addressees: readonly Addressee[]): Promise<readonly AttemptResult[]> {
    const { message: { envelope }, parts: { pool, open } } = this;
    const content = await this.message.content();
    const forwardPaths = addressees.map(({ forwardPath }) => forwardPath);
    const outgoing = {
      reversePath: envelope.reversePath,
      body: envelope.body,
      needsSmtputf8: await needsSmtputf8(envelope, forwardPaths, content),
      sizeBytes: content.sizeBytes,
    };
    return await new Attempt({ envelope: outgoing, addressees, content }, hop, pool, open).run();
  }

  #postpone(addressees: readonly Addressee[], congestionMs: number): void {
    // Between half and all of the time that the line takes: what is put off does not come back all at once.
    const delayMs = Math.min(congestionMs * (1 + this.#random) / 2, LONGEST_POSTPONEMENT_MS);
    const recipients = addressees.map(({ recipient }) => recipient);
    const dueAt = Math.round(this.parts.now() + delayMs);
    this.#records.push(this.parts.recorder.record(postponement(this.message, recipients, dueAt)));
  }

  #settle(results: readonly AttemptResult[]): void {
    const { recorder, schedule, newId, now } = this.parts;
    const at = now();
    const others: Ending[] = [];
    for (const ending of endingsOf(this.message, results, { now: at, random: this.#random, schedule })) {
      (ending.status === "bounced" || ending.status === "expired" ? this.#failed : others).push(ending);
      this.#report(ending);
    }
    if (others.length > 0) this.#records.push(recorder.record(outcomeOf(this.message, others, at, newId)));
  }

  #report({ status, forwardPath: recipient, host, address, tls, attempts, verdict: { reply } }: Ending): void {
    const { envelope: { id: messageId, account } } = this.message;
    const facts = { messageId, account, recipient, host, address, tls, attempts, reply };
    this.parts.log.info(status, facts);
  }

  async #recordFailures(): Promise<boolean> {
    const { recorder, newId, serviceName, now } = this.parts;
    const header = isReturnable(this.message) ? await this.#header() : new Uint8Array(0);
    const context = { serviceName, now: now(), newId, header };
    return await recorder.record(failureOutcome(this.message, this.#failed, context));
  }

  async #header(): Promise<Uint8Array> {
    try {
      return await readHeaderSection(await this.message.content(), DSN_HEADER_OCTETS);
    } catch (error) {
      // The sender learns of the failure all the same.
      const messageId = this.message.envelope.id;
      this.parts.log.error("the header for a DSN could not be read: {error}", { messageId, error });
      return new Uint8Array(0);
    }
  }
}

function sameFor(addressees: readonly Addressee[], verdict: Verdict): AttemptResult[] {
  return addressees.map(({ recipient }) => ({ recipient, verdict, host: null, address: null, tls: null }));
}
