/**
 * What the operator wants done with queued mail, as control plane and nodes say it to each other, and what nodes say of
 * themselves when they ask for it (POST /v1/node/queue). Types only; checked in routes/queue_schema.ts. Times are epoch
 * milliseconds.
 */

/** The first two ask, the others act. */
export type QueueWork = "summary" | "list" | "retry" | "hold" | "release" | "bounce" | "delete";

/** Which recipients of queued messages are meant; each field that is there narrows. */
export interface QueueSelection {
  readonly ids?: readonly string[] | undefined;
  readonly account?: string | undefined;
  /** Of the recipients. */
  readonly domain?: string | undefined;
  /** Reverse path; "" for the null one. Addresses are compared without regard to case. */
  readonly sender?: string | undefined;
  readonly recipient?: string | undefined;
  /** Received before this instant. */
  readonly receivedBefore?: number | undefined;
  readonly status?: "queued" | "held" | undefined;
}

export interface QueueOrder {
  readonly work: QueueWork;
  readonly select: QueueSelection;
  /** The operator's words, for history and sender; null: none. */
  readonly reason: string | null;
  /** Messages in a list, the oldest first. */
  readonly limit: number;
}

export interface QueueJob extends QueueOrder {
  readonly id: string;
  /** Ms since it was ordered: what was accepted since is not meant. By one clock, so that others may differ. */
  readonly orderedAgoMs: number;
}

/** Recipients by the age of their message. */
export interface QueueAges {
  readonly under1h: number;
  readonly under4h: number;
  readonly under1d: number;
  readonly older: number;
}

export interface QueuedDomain {
  readonly domain: string;
  readonly recipients: number;
  /** Of these, stopped by the operator. */
  readonly held: number;
  readonly ages: QueueAges;
  readonly oldestAt: number;
  /** null: all are held. */
  readonly nextAttemptAt: number | null;
  /** What the last attempt for one of them met; null: none was tried yet. */
  readonly lastReply: string | null;
}

/** A next hop that is left alone for a while, because none of its hosts could be reached. */
export interface SuspendedDestination {
  /** The names of its hosts. */
  readonly destination: string;
  readonly why: string;
}

export interface QueueSummary {
  readonly messages: number;
  readonly recipients: number;
  readonly held: number;
  /** Messages that cannot be read any more, and were set aside. */
  readonly damaged: number;
  /** Those with the most recipients first; of a very long list only the first. */
  readonly domains: readonly QueuedDomain[];
  /** How many more domains there are. */
  readonly otherDomains: number;
  readonly suspended: readonly SuspendedDestination[];
}

export interface QueuedRecipient {
  readonly address: string;
  readonly status: "queued" | "held" | "delivered" | "bounced" | "expired" | "skipped" | "deleted";
  readonly attempts: number;
  /** null: it has ended, or is held. */
  readonly nextAttemptAt: number | null;
  readonly lastReply: string | null;
}

export interface QueuedMessageFacts {
  readonly id: string;
  readonly account: string;
  readonly sender: string;
  readonly receivedAt: number;
  readonly sizeBytes: number;
  /** Delivery is trying it at this moment. */
  readonly inDelivery: boolean;
  readonly recipients: readonly QueuedRecipient[];
}

/** How far a node is with a job. */
export interface QueueProgress {
  readonly job: string;
  /** Messages looked at, and there are in all. */
  readonly seen: number;
  readonly total: number;
  /** Messages on which it was done, or that are in the answer. */
  readonly done: number;
  /** Messages that are meant, and in delivery just now or not to be had: they are tried again. */
  readonly busy: number;
  readonly ended: boolean;
  /** Why it ended before it was done; null: it did not. */
  readonly trouble: string | null;
  readonly summary: QueueSummary | null;
  readonly list: readonly QueuedMessageFacts[] | null;
}

export interface ClockComparison {
  /** By how much the node's clock is ahead, in ms. */
  readonly aheadMs: number;
  /** Whether it is too far from right for the node to pass over it. */
  readonly apart: boolean;
}

/** How much a node has to do. */
export interface NodeLoad {
  /** Open SMTP connections of clients. */
  readonly connections: number;
  /** Messages that delivery has in hand: on a connection, or waiting for one. */
  readonly inDelivery: number;
  /** Messages that it accepted of clients in the last minute. */
  readonly acceptedPerMinute: number;
  /** The longest delay of its event loop in the last minute, in ms. */
  readonly loopDelayMs: number;
}

/** What a node has leased of its accounts' days. */
export interface NodeLeases {
  readonly held: number;
  /** Whose they are. */
  readonly accounts: number;
  /** Relays that may still be spent of them. */
  readonly relaysLeft: number;
}

/** What a node says of itself, every second. */
export interface QueueReport {
  readonly node: string;
  readonly region: string;
  /** Of its program. */
  readonly version: string;
  /** Its clock against the control plane's, as it saw last; null: it has not compared yet. */
  readonly clock: ClockComparison | null;
  /** Which of its process's nodes it is, from 0; null: a shard without a node, which only delivers. */
  readonly number: number | null;
  /** Messages that have not ended. */
  readonly queued: number;
  readonly load: NodeLoad;
  readonly leases: NodeLeases;
  /** Whether it lets no more clients in. */
  readonly draining: boolean;
  /** It ends, for good: its shard is empty and no more. */
  readonly gone: boolean;
  readonly progress: readonly QueueProgress[];
}

/** What it is to do: jobs that are not here any more were called off. */
export interface QueueInstructions {
  /** The control plane's clock, as it answers. */
  readonly now: number;
  readonly draining: boolean;
  readonly jobs: readonly QueueJob[];
}
