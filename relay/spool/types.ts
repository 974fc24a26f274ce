/**
 * What the spool promises to those who hand messages in (smtp, delivery's DSNs) and to delivery, which takes them out.
 *
 * Guarantees: what `accept` and `record` acknowledged is on stable storage; a message that was taken is not taken
 * again before it was given back. It does not decide when or where to deliver.
 */
import type { NodeEvent } from "../../api/client.ts";
import type { Envelope, RecipientState } from "../envelope.ts";

/** The stored content of a message: trace fields, header and body, not dot-stuffed, lines end in CRLF. */
export interface Content {
  /** Stored octets. */
  readonly sizeBytes: number;
  /** The octets in order, in chunks of bounded size; the reader must not change a chunk, or keep it behind the next one. */
  chunks(): AsyncIterable<Uint8Array>;
  /** All octets, where they are in memory anyway: whoever reads them here need not wait. Not to be changed. */
  readonly octets?: Uint8Array;
}

export interface QueuedMessage {
  readonly envelope: Envelope;
  /** Parallel to `envelope.recipients`; as of the moment the message was taken. */
  readonly recipients: readonly RecipientState[];
  /** At once where it is in memory. @throws {SpoolDamaged} if what is stored does not match its checksum. */
  content(): Content | Promise<Content>;
}

/** A message that is due, as far as it is known without being brought into memory. */
export interface DueMessage {
  readonly receivedAt: number;
  /** Those of the recipients, parallel to them, in lower case. */
  readonly domains: readonly string[];
  readonly recipients: readonly RecipientState[];
}

/** Until when a due message may stay where it is (epoch ms, later than now); undefined: it is to be given out. */
export type WaitsUntil = (message: DueMessage) => number | undefined;

/** A message that is not in the spool yet. */
export interface NewMessage {
  readonly envelope: Envelope;
  /** The whole stored content; for small messages only (DSNs). */
  readonly content: Uint8Array;
}

/** What became of some recipients of one message; one durable record. */
export interface Outcome {
  readonly messageId: string;
  /** New states by index in `envelope.recipients`. */
  readonly changes: readonly { readonly recipient: number; readonly state: RecipientState }[];
  /** For the history; delivered to the control plane at least once. */
  readonly events: readonly NodeEvent[];
  /** A DSN that becomes a queued message in the same record: either both survive a crash or neither. */
  readonly dsn?: NewMessage;
}

/** Delivery's side of the spool. */
export interface Queue {
  /**
   * The next message with a recipient due at or before `now` (epoch ms) that nobody has taken, or undefined. Accounts
   * have their turns one after another; those that `mayTake` refuses are passed over. What `waitsUntil` lets wait need
   * not be brought into memory, and is not due before. Undefined also while what became of it could not be recorded.
   */
  take(now: number, mayTake?: (account: string) => boolean, waitsUntil?: WaitsUntil): QueuedMessage | undefined;
  /** When the earliest message that nobody has taken is due (epoch ms), or undefined when there is none. */
  nextDueAt(): number | undefined;
  /** Called (synchronously) whenever a message became available that may be due earlier than the last `nextDueAt`. */
  onAvailable(listener: () => void): void;
  /** Resolves when the outcome is on stable storage. @throws {SpoolFailure} when it could not be stored. */
  record(outcome: Outcome): Promise<void>;
  /**
   * Recipients of these domains that were to wait need not wait any more: they become due in the background.
   */
  hasten(domains: ReadonlySet<string>): void;
  /** Gives a taken message back: it is due again at its earliest queued recipient, or ended if none is queued. */
  giveBack(messageId: string): void;
}
