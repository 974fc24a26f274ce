/**
 * What the host tells the policy: plain facts, collected before the call. Types only.
 *
 * Times are epoch milliseconds in UTC, sizes are octets of the content as the client sent it.
 */

/** What DNS says of the domain of a reverse path or forward path. */
export interface DomainFacts {
  /**
   * `missing`: NXDOMAIN; `failed`: SERVFAIL, time-out or a broken answer; `not-checked`: nobody looked (routed
   * statically), which refuses nothing. Unless it is `exists`, the other two fields have no meaning.
   * A domain that is an address literal ([192.0.2.1]) exists, has no MX and has an address.
   */
  readonly existence: "exists" | "missing" | "failed" | "not-checked";
  /**
   * `null`: the null MX of RFC 7505; `usable`: at least one MX names a host that has an address; `names-address`: no
   * usable one, and an MX names an IP address; `unresolvable`: no usable one, for its hosts have no address;
   * `failed`: trouble in DNS kept us from knowing.
   */
  readonly mx: "none" | "null" | "usable" | "names-address" | "unresolvable" | "failed";
  /** A or AAAA of the domain itself: of meaning only where `mx` is `none` (RFC 5321 5.1, the implicit MX). */
  readonly address: "present" | "absent" | "failed";
}

/**
 * Whose a domain is, seen from the account that would send as it. A claim counts once it is verified, and covers what
 * lies below the domain.
 */
export type DomainOwnership = "unclaimed" | "own" | "another's";

/** Relay blocks bought together. */
export interface Block {
  /** How many blocks; at least 1. */
  readonly quantity: number;
  /** From this moment on, itself included, the block counts. */
  readonly activatesAt: number;
}

/** What the control plane knows of an account. */
export interface AccountFacts {
  readonly status: "active" | "suspended";
  /** UTC day of `used`: "2026-11-23". On a later day nothing is used yet. */
  readonly day: string;
  /** Relays used on `day`, reservations included. */
  readonly used: number;
  /** All blocks that are not cancelled, active and pending, in any order. */
  readonly blocks: readonly Block[];
}

/** Facts at MAIL. */
export interface MailFacts {
  readonly now: number;
  /** null: the session is not authenticated, and the client's address belongs to no account. */
  readonly account: AccountFacts | null;
  /** SIZE= of RFC 1870; 0 where the client did not say. */
  readonly sizeBytes: number;
  /** null: the null reverse path, which has no domain; or the sender's domain was not looked up. */
  readonly sender: DomainFacts | null;
  /** null: as for `sender`. */
  readonly ownership: DomainOwnership | null;
}

/** Facts at RCPT. */
export interface RecipientFacts {
  readonly now: number;
  readonly account: AccountFacts;
  /** SIZE= of RFC 1870; 0 where the client did not say. */
  readonly sizeBytes: number;
  /** Recipients accepted in this transaction so far, without this one. */
  readonly recipients: number;
  /** null: not looked up. */
  readonly domain: DomainFacts | null;
}

/** Facts at the end of the data. */
export interface MessageFacts {
  readonly sizeBytes: number;
  /** Whether a CR without LF or an LF without CR stood in the data. */
  readonly bareLineEndings: boolean;
  /** Received fields in the header, as the client sent it. */
  readonly receivedFields: number;
  /** Whether the header section does not end within what was scanned. */
  readonly headerTooLong: boolean;
  /** From fields in the header. */
  readonly fromFields: number;
  /** Whether the From field was too long, or named too many domains, to be scanned. */
  readonly fromTooLong: boolean;
}

/** Facts after the counter store answered a reservation. */
export interface QuotaFacts {
  /** The counter store's clock. */
  readonly now: number;
  readonly status: "active" | "suspended";
  readonly blocks: readonly Block[];
  readonly granted: boolean;
  /** Relays used on the day of `now`, without this reservation. */
  readonly used: number;
  /** The day's cap that the store compared with. */
  readonly limit: number;
  /** Relays that the reservation asked for. */
  readonly need: number;
}
