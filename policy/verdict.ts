/**
 * What the policy answers: a reason, with the data that its reply, its event and its explanation are made from.
 * Types only. Times are epoch milliseconds in UTC.
 */
import type { Reason } from "./assembly/reason.ts";

/** Fewer relays are left than the message needs. */
export interface QuotaExceeded {
  readonly reason: Reason.QuotaExceeded;
  /** Relays used today. */
  readonly used: number;
  /** Relays of the day, as of now. */
  readonly limit: number;
  /** Relays that this needs, the recipients before it included. */
  readonly need: number;
  /** The next midnight UTC. */
  readonly resetsAt: number;
  /** When the next pending block activates, if that is before `resetsAt`. */
  readonly pendingActivatesAt: number | null;
}

/** The share of the day that the account gives its non-delivery reports is used up. */
export interface NdrShareExceeded {
  readonly reason: Reason.NdrShareExceeded;
  /** Relays that reports used today, may use, and that this one needs. */
  readonly used: number;
  readonly limit: number;
  readonly need: number;
  /** The next midnight UTC. */
  readonly resetsAt: number;
}

/** Blocks were bought, and none is active yet. */
export interface BlockPending {
  readonly reason: Reason.BlockPending;
  /** When the first of them will be. */
  readonly activatesAt: number;
}

/** The account's day is far beyond its habit. */
export interface Braked {
  readonly reason: Reason.Braked;
  /** What is: relays (this message's included), distinct recipients, or percent of recipients that were refused. */
  readonly measure: "relays" | "recipients" | "refused-recipients";
  /** Today's figure, and the highest that would pass. */
  readonly used: number;
  readonly limit: number;
  /** The next midnight UTC. */
  readonly resetsAt: number;
}

/** A figure is above its limit. */
export interface LimitExceeded {
  readonly reason:
    | Reason.MessageTooBig
    | Reason.TooManyRecipients
    | Reason.TooManyHops
    | Reason.TooManyConnections
    | Reason.TooManyConnectionsFromAddress;
  /** Octets, recipients of one message, Received fields, open connections. */
  readonly limit: number;
}

/** Logins fail too often. */
export interface TooManyFailedLogins {
  readonly reason: Reason.TooManyFailedLogins;
  /** Milliseconds until the next one is heard. */
  readonly waitMs: number;
}

/** The sender's domain exists, and no mail could be sent to it. */
export interface SenderNoUsableRecord {
  readonly reason: Reason.SenderNoUsableRecord;
  /** No MX, A or AAAA at all; an MX names an IP address; the hosts that the MX name have no address. */
  readonly record: "nothing" | "mx-names-address" | "mx-unresolvable";
}

type WithData =
  | QuotaExceeded
  | NdrShareExceeded
  | BlockPending
  | Braked
  | LimitExceeded
  | TooManyFailedLogins
  | SenderNoUsableRecord;

/** The reason says it all. */
export interface Plain {
  readonly reason: Exclude<Reason, WithData["reason"]>;
}

export type Verdict = Plain | WithData;
