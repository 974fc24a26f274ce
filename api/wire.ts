/**
 * The words that a relay node and the control plane exchange under /v1/node.
 *
 * Types only; the schemas that check them at the door are in routes/node_schema.ts. Times are epoch milliseconds in
 * UTC, sizes are octets, a day is a UTC date such as "2026-11-23".
 */

import type { AccountFacts as PolicyFacts, DecisionChunkJson, StageName } from "../policy/mod.ts";

export type { Habit, NdrWish, Today } from "../policy/mod.ts";

/** Blocks of an account that were bought, are not cancelled, and count from the same instant on. */
export interface BlockFacts {
  readonly quantity: number;
  /** From this instant on (inclusive) the blocks count. */
  readonly activatesAt: number;
}

/** What a node must know of an account to decide. True at the time of the answer; blocks in the order of activation. */
export interface AccountFacts extends PolicyFacts {
  readonly username: string;
  /** Whether there are addresses that failed for good with its mail, and it wants such refused or skipped. */
  readonly suppresses: boolean;
}

/** Asks for `relays` of the account's day; `id` is unique for ever, so that asking twice counts once. */
export interface ReservationRequest {
  readonly id: string;
  readonly username: string;
  readonly relays: number;
  /** Whether it is for a non-delivery report. */
  readonly ndr: boolean;
  /** It is a lease: a slice of the day, which the node spends on messages without asking again. */
  readonly lease?: true;
}

/** What came of one reservation: the facts from which policy makes the verdict. */
export interface ReservationFacts {
  readonly id: string;
  readonly granted: boolean;
  /** The day that was charged, or would have been. */
  readonly day: string;
  /** The counter store's clock when it decided. */
  readonly now: number;
  /** Relays used of that day, without this reservation; those that nodes have leased are among them. */
  readonly used: number;
  /** Of these, relays that are leased and not known to be spent: they may come back. */
  readonly leased: number;
  /** The account's cap at `now`: 0 where the account is unknown or suspended. */
  readonly limit: number;
  readonly relays: number;
  /** For a non-delivery report: what such used of that day, without this one, and may use; null for other messages. */
  readonly ndr: { readonly used: number; readonly limit: number } | null;
  /** null where there is no such account. `used` in it includes this reservation if granted, and no lease's rest. */
  readonly account: AccountFacts | null;
}

/** A message was accepted with this reservation: the charge stands, whatever the counters knew of it. */
export interface Settlement {
  readonly id: string;
  readonly username: string;
  readonly day: string;
  readonly relays: number;
  readonly ndr: boolean;
  /** The id of the lease that has paid for it; not there where the message had a reservation of its own. */
  readonly lease?: string;
}

/** A node has no use for what is beyond `relays` of a lease: it was granted more, and this is what it has spent. */
export interface Trim {
  readonly id: string;
  readonly username: string;
  readonly day: string;
  /** The lease's new size; it never grows again. */
  readonly relays: number;
}

/** Nothing was accepted with this reservation. `day` is null where its answer never came. */
export interface Refund {
  readonly id: string;
  readonly username: string;
  readonly day: string | null;
  readonly relays: number;
}

/** Asks for the keys that sign mail of a domain. */
export interface DkimKeyQuestion {
  /** Whose claim the domain must be of; null: anybody's. */
  readonly account: string | null;
  /** In lower-case A-labels; a claim of a domain that it lies in will do. */
  readonly domain: string;
}

/** The keys that sign for a domain, never none. */
export interface DkimKeySet {
  /** The claimed domain. */
  readonly domain: string;
  readonly keys: readonly {
    readonly selector: string;
    readonly algorithm: "rsa-sha256" | "ed25519-sha256";
    /** PKCS #8 in base64. */
    readonly privateKey: string;
  }[];
}

/** Asks whether an account's mail to an address is suppressed. */
export interface SuppressionQuestion {
  readonly account: string;
  /** A forward path as it came. */
  readonly address: string;
}

/** The address has failed for good before, and mail to it is not to be sent. */
export interface SuppressionFacts {
  /** skip: it is accepted at RCPT all the same. */
  readonly choice: "refuse" | "skip";
  /** The recipient's server's own words. */
  readonly reply: string;
  readonly failedAt: number;
}

interface EventBase {
  /** Unique for ever: an event that arrives again is stored once. */
  readonly id: string;
  readonly messageId: string;
  readonly account: string;
  readonly at: number;
}

/** The relay has the message on stable storage. */
export interface AcceptedEvent extends EventBase {
  readonly type: "accepted";
  /** Reverse path; "" for the null one. */
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly sizeBytes: number;
  /** What the message cost; 0 for a message the relay made. */
  readonly relays: number;
  /** It is a non-delivery report, and was counted as one; not there where it is none. */
  readonly ndr?: true;
  readonly messageIdField: string | null;
  /** How it came; null for a message the relay made (a DSN). */
  readonly origin: {
    readonly address: string;
    readonly helo: string;
    readonly protocol: string;
    readonly tls: string | null;
  } | null;
  /** Hash of the policy module that let it in; null for a message the relay made. */
  readonly policy: string | null;
}

/** One attempt at a next hop, for the recipients that had the same outcome. */
export interface AttemptEvent extends EventBase {
  readonly type: "delivered" | "deferred" | "bounced";
  readonly recipients: readonly string[];
  /** The next hop's name and literal address; null where none was found or reached. */
  readonly host: string | null;
  readonly address: string | null;
  readonly tls: string | null;
  /** What became of the policy for TLS (MTA-STS) that the recipients' domain has; not there where it has none. */
  readonly tlsVerdict?: string;
  /** The remote server's own words, or ours for what went wrong. */
  readonly reply: string;
  /** bounced: the server says that there is no such mailbox, or none in use; not there where it says something else. */
  readonly badAddress?: true;
  /** bounced: the operator had it returned; not there where delivery did. */
  readonly byOperator?: true;
  /** 1 for the first; 0 where the operator had it returned before there was one. */
  readonly attempt: number;
  readonly nextAttemptAt: number | null;
}

/** The time to try ran out for these recipients. */
export interface ExpiredEvent extends EventBase {
  readonly type: "expired";
  readonly recipients: readonly string[];
  readonly reply: string;
}

/** Nothing was sent to these recipients: they failed for good before, and the account has chosen so. */
export interface SkippedEvent extends EventBase {
  readonly type: "skipped";
  readonly recipients: readonly string[];
  /** Why, and what to do. */
  readonly reply: string;
}

/** A DSN about these recipients was queued for the sender. */
export interface ReturnedEvent extends EventBase {
  readonly type: "returned";
  readonly recipients: readonly string[];
  /** The DSN's own message id. */
  readonly dsnId: string;
}

/** The operator has stopped delivery to these recipients, let it go on, or had them taken out of the queue. */
export interface OperatorEvent extends EventBase {
  readonly type: "held" | "released" | "deleted";
  readonly recipients: readonly string[];
  /** The operator's words; null where there are none. */
  readonly reason: string | null;
}

/** What happened to a message, in the order in which the node saw it. */
export type NodeEvent = AcceptedEvent | AttemptEvent | ExpiredEvent | SkippedEvent | ReturnedEvent | OperatorEvent;

/** What a node decides by, as the control plane wants it. */
export interface PolicyState {
  /** One more with each change. */
  readonly version: number;
  /** Hash of the module that decides; null: the program's own. */
  readonly active: string | null;
  /** Hash of the module that runs beside; null: none. */
  readonly shadow: string | null;
  /** Relays a day in one block, as the control plane's settings have it. */
  readonly relaysPerBlock: number;
  /** The parameters that were set by name, over those of the settings. */
  readonly parameters: Readonly<Record<string, number>>;
}

/** How a module failed at a node. */
export interface PolicyFaultReport {
  readonly module: string;
  /** Whether it ran beside and decided nothing. */
  readonly shadow: boolean;
  /** The kind of the fault, and what happened, in words. */
  readonly detail: string;
}

/** What a shadow would have decided otherwise since the last report. */
export interface ShadowReport {
  readonly module: string;
  readonly compared: number;
  /** Decisions that were not compared, for lack of time. */
  readonly left: number;
  readonly differences: readonly {
    readonly stage: StageName;
    /** Reasons by their codes. */
    readonly was: number;
    readonly would: number;
    readonly count: number;
  }[];
}

/** What a node says of itself whenever it asks for the policy. */
export interface PolicyReport {
  readonly node: string;
  /** Of the state that it has taken over; 0: none yet. */
  readonly version: number;
  /** Hash of the module that decides there. */
  readonly module: string;
  readonly shadow: string | null;
  readonly faults: readonly PolicyFaultReport[];
  readonly compared: ShadowReport | null;
  /** Decisions that could not be recorded since the node started. */
  readonly dropped: number;
}

/** Recorded decisions of a node; one that arrives again is kept once. */
export interface NodeDecisions extends DecisionChunkJson {
  /** Unique for ever: a ULID. */
  readonly id: string;
}

/** A notice that a node is to send as mail. */
export interface NoticeMail {
  /** The notice's, and that of the message. */
  readonly id: string;
  readonly account: string;
  /** The account's e-mail address, as it was given. */
  readonly to: string;
  /** ASCII, as are the paragraphs. */
  readonly subject: string;
  readonly paragraphs: readonly string[];
}

/** What a node says when it asks for notices to send. */
export interface NoticeMailReport {
  readonly node: string;
  /** Ids of those that are in its spool since it said so last, or that it can never send. */
  readonly stored: readonly string[];
  /** So many more it takes at the most. */
  readonly wanted: number;
}
