/**
 * The words that every room of the relay shares: an envelope, its recipients and what became of them.
 *
 * Types only. Times are epoch milliseconds in UTC, sizes are octets.
 */

/** The day's relays that a message was charged (invariant 4: id, price and day are part of the durable record). */
export interface Reservation {
  /** Unique for ever; reserve, settle and refund name it, so that a repeated call counts once. */
  readonly id: string;
  /** UTC day, "2026-11-23", by the counter store's clock. */
  readonly day: string;
  /** Price in relays. */
  readonly relays: number;
  /** Whether it is for a non-delivery report, which is counted apart. */
  readonly ndr: boolean;
  /** The id of the lease that paid for it; not there where the counters were asked for this message. */
  readonly lease?: string;
}

/** How the message came to us, for Received (RFC 5321 4.4) and the history. */
export interface Origin {
  /** The client's IP address without port. */
  readonly address: string;
  /** What it said in EHLO or HELO. */
  readonly helo: string;
  /** Protocol type: SMTP, ESMTP with S and A (RFC 3848), UTF8SMTP with S and A (RFC 6531 4.3). */
  readonly protocol: string;
  /** "TLSv1.3 TLS_AES_128_GCM_SHA256"; null on a plain connection. */
  readonly tls: string | null;
}

/** What a sender may want to be told of (RFC 3461 4.1). */
export type NotifyOccasion = "SUCCESS" | "FAILURE" | "DELAY";

/** What RCPT said about DSNs. */
export interface RecipientDsnRequest {
  /** NOTIFY; empty: NEVER. null where it was not given, which is as FAILURE and DELAY (RFC 3461 4.1). */
  readonly notify: readonly NotifyOccasion[] | null;
  /** ORCPT as it came: an address type, ";", and the address as xtext or, of type utf-8, as in RFC 6533 3. */
  readonly orcpt: string | null;
}

/** What the client said about DSNs (RFC 3461 4); in each place null where it said nothing. */
export interface DsnRequest {
  readonly ret: "FULL" | "HDRS" | null;
  /** ENVID as it came, in xtext. */
  readonly envid: string | null;
  /** Parallel to the envelope's recipients. */
  readonly recipients: readonly (RecipientDsnRequest | null)[];
}

/** What the SMTP session agreed on; immutable once accepted. */
export interface Envelope {
  /** The message id (ULID) that stands in Received, in the 250, in the log and in the history. */
  readonly id: string;
  readonly account: string;
  /** Reverse path without angle brackets; "" for the null reverse path <>. */
  readonly reversePath: string;
  /** Forward paths without angle brackets, in the order of RCPT; never empty. */
  readonly recipients: readonly string[];
  readonly body: "7BIT" | "8BITMIME";
  readonly smtputf8: boolean;
  /** null where the client gave none of the extension's parameters. */
  readonly dsnRequest: DsnRequest | null;
  /** Octets of the content as the client sent it: what size limit and price are computed from. */
  readonly sizeBytes: number;
  readonly receivedAt: number;
  /** null for a message the relay itself makes, which costs nothing. */
  readonly reservation: Reservation | null;
  readonly origin: Origin | null;
  /** Hash of the policy module that let it in; null for a message the relay itself makes. */
  readonly policy: string | null;
  /** The Message-ID field of the header, if there is one; at most 998 octets. */
  readonly messageIdField: string | null;
  /**
   * Parallel to the recipients: why nothing is sent to one, in words for the history, as the account has chosen; null:
   * mail is sent. Not there where it is sent to all.
   */
  readonly skipped?: readonly (string | null)[];
}

/**
 * Where a recipient stands. `delivered`, `bounced`, `expired`, `skipped` (nothing was sent to it, see the envelope) and
 * `deleted` are final; `held` waits for the operator, and does not expire meanwhile.
 */
export type RecipientStatus = DeliveryStatus | "skipped" | "held" | "deleted";

/** What delivery makes of a recipient; "queued": it was deferred and will be tried again. */
export type DeliveryStatus = "queued" | "delivered" | "bounced" | "expired";

/** One recipient's durable state; its place in the array is its place in `Envelope.recipients`. */
export interface RecipientState {
  readonly status: RecipientStatus;
  /** Attempts made so far. */
  readonly attempts: number;
  /** When the next attempt is due; of no meaning unless the status is `queued`. */
  readonly dueAt: number;
  /** The last reply or the last trouble in words, for the DSN and the history; null before the first attempt. */
  readonly lastReply: string | null;
  /** Whether the sender has been told of the delay: once is enough. */
  readonly delayReported: boolean;
}
