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

/** Blocks were bought, and none is active yet. */
export interface BlockPending {
  readonly reason: Reason.BlockPending;
  /** When the first of them will be. */
  readonly activatesAt: number;
}

/** A figure of the message is above its limit. */
export interface LimitExceeded {
  readonly reason: Reason.MessageTooBig | Reason.TooManyRecipients | Reason.TooManyHops;
  /** Octets, recipients of one message, Received fields. */
  readonly limit: number;
}

/** The sender's domain exists, and no mail could be sent to it. */
export interface SenderNoUsableRecord {
  readonly reason: Reason.SenderNoUsableRecord;
  /** No MX, A or AAAA at all; an MX names an IP address; the hosts that the MX name have no address. */
  readonly record: "nothing" | "mx-names-address" | "mx-unresolvable";
}

/** The reason says it all. */
export interface Plain {
  readonly reason: Exclude<
    Reason,
    (QuotaExceeded | BlockPending | LimitExceeded | SenderNoUsableRecord)["reason"]
  >;
}

export type Verdict = Plain | QuotaExceeded | BlockPending | LimitExceeded | SenderNoUsableRecord;
