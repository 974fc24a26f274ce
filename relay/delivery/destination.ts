/** A destination as the pool sees it: its connections, who waits for one, and what was learnt about it. */
import { Concurrency } from "./concurrency.ts";
import type { Share } from "./connection_shares.ts";
import type { DestinationRule } from "./destination_limits.ts";
import { Line } from "./line.ts";
import type { Verdict } from "./outcome.ts";
import { Pace } from "./pace.ts";
import { Rate } from "./rate.ts";
import type { SmtpSession } from "./smtp_session.ts";
import { Suspension, type SuspensionChange } from "./suspension.ts";

/** What an attempt has shown of a destination. */
export type Experience =
  /** It answered all it was asked, whatever it answered. */
  | { readonly kind: "served" }
  /** There was a session, and it ended with a 421, a time-out or a lost connection. */
  | { readonly kind: "strained" }
  /** None of its hosts let a session come about; `why` in words. */
  | { readonly kind: "unreachable"; readonly why: string };

/** The right to one connection to a destination, for one message. */
export interface Lease {
  readonly destination: Destination;
  /** For which the connection counts. */
  readonly share: Share;
  /** The open session, if there is one; whoever holds the lease puts here what is to be kept. */
  session: SmtpSession | undefined;
  /** What was learnt with it; undefined: nothing. */
  experience?: Experience;
}

export interface Waiter {
  readonly serve: (lease: Lease) => void;
  readonly refuse: (reason: Error) => void;
}

/** The destination is left alone for now; the verdict is that of the message. */
export class DestinationSuspended extends Error {
  override readonly name = "DestinationSuspended";
  constructor(readonly verdict: Verdict) {
    super(verdict.reply);
  }
}

export interface DestinationDefaults {
  /** Connections at the same time, at most. */
  readonly connectionsPerDestination: number;
  /** Messages on one connection; servers that state fewer (RFC 9422 MAILMAX) get fewer. */
  readonly messagesPerConnection: number;
}

export class Destination {
  leases = 0;
  readonly idle: SmtpSession[] = [];
  readonly line = new Line<Waiter>();
  /** Whether the last attempt here was served. */
  proven = false;
  readonly messagesPerConnection: number;
  readonly suspension = new Suspension();
  readonly concurrency: Concurrency;
  readonly rate: Rate;
  /** Cancels the timer that serves the line when its rate allows. */
  cancelTimer: (() => void) | undefined;
  pace: Pace;

  constructor(
    readonly key: string,
    rule: DestinationRule,
    defaults: DestinationDefaults,
    now: number,
  ) {
    this.concurrency = new Concurrency(rule.connections ?? defaults.connectionsPerDestination);
    this.messagesPerConnection = rule.messages ?? defaults.messagesPerConnection;
    this.rate = new Rate(rule.intervalMs ?? 0);
    this.pace = new Pace(now);
  }

  /** Whether it has as many connections in use as it may have now. */
  get isFull(): boolean {
    return this.leases >= this.concurrency.allowed;
  }

  /** Nobody uses it or waits for it. */
  get isUnused(): boolean {
    return this.leases === 0 && this.idle.length === 0 && this.line.length === 0;
  }

  /** Whether a message may begin here, where there is a connection for it. */
  isReady(now: number): boolean {
    return !this.isFull && this.rate.waitMs(now) === 0;
  }

  /** Whether something would be lost if it were forgotten. */
  isWorthRemembering(now: number): boolean {
    return this.suspension.hasFailures || this.rate.waitMs(now) > 0;
  }

  /** How long the last of those in line will wait, in ms, as far as can be told. */
  waitMs(now: number): number {
    const { line, pace, rate } = this;
    return Math.max(pace.waitMs(line.length, now), rate.waitMs(now) + line.length * rate.intervalMs);
  }

  /** A message begins on one of its connections. */
  begin(now: number): void {
    this.rate.take(now);
    this.suspension.begin();
  }

  /** A message has ended; called while its lease still counts. @returns whether it is suspended by it, or no more. */
  learn(experience: Experience | undefined, now: number): SuspensionChange | undefined {
    this.pace.passed(now);
    if (experience !== undefined) this.proven = experience.kind === "served";
    switch (experience?.kind) {
      case undefined:
        this.suspension.abandon();
        return undefined;
      case "served":
        this.concurrency.grow(this.leases);
        return this.suspension.reached();
      case "strained":
        this.concurrency.shrink();
        return this.suspension.reached();
      case "unreachable":
        this.concurrency.collapse();
        return this.suspension.failed(experience.why, now);
    }
  }

  /** Gives up on those in line with `reason`. */
  refuseLine(reason: Error): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    for (const waiter of this.line.clear()) waiter.refuse(reason);
  }
}
