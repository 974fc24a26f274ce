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

/** What an account wants done with its non-delivery reports. */
export interface NdrWish {
  readonly choice: "count" | "limit" | "refuse";
  /** With `limit`: percent of the day's relays, 1 to 100; null: the parameters' share. */
  readonly sharePercent: number | null;
}

/** What became of an account's recipients today. */
export interface Today {
  /** Distinct ones, about. */
  readonly recipients: number;
  /** Those whose fate is known, and of these, those that their servers refused for good. */
  readonly outcomes: number;
  readonly refused: number;
}

/** What the days before today say of an account. */
export interface Habit {
  /** Days with mail. */
  readonly days: number;
  /** Relays, and distinct recipients, of the busiest day. */
  readonly relays: number;
  readonly recipients: number;
  /** Of all recipients. */
  readonly refusedPercent: number;
}

/** What the control plane knows of an account. */
export interface AccountFacts {
  readonly status: "active" | "suspended";
  /** UTC day of `used` and `today`: "2026-11-23". On a later day nothing is used yet. */
  readonly day: string;
  /** Relays used on `day`, reservations included. */
  readonly used: number;
  /** All blocks that are not cancelled, active and pending, in any order. */
  readonly blocks: readonly Block[];
  readonly ndr: NdrWish;
  readonly today: Today;
  readonly habit: Habit;
  /** The operator has released the account from the brake until then; null: not. */
  readonly brakeReleasedUntil: number | null;
}

/** Facts when a client connects. */
export interface ConnectionFacts {
  /** Open connections of the process, and of these, those from its address (IPv6: its /64); this one included. */
  readonly open: number;
  readonly fromAddress: number;
}

/** Failed logins since the window began. */
export interface FailedLogins {
  readonly count: number;
  /** Milliseconds since the first of them. */
  readonly ageMs: number;
}

/** Facts at AUTH: first before the password is checked, then behind. */
export interface LoginFacts {
  readonly ofAccount: FailedLogins;
  /** From the client's address prefix. */
  readonly fromPrefix: FailedLogins;
  /** Whether the account logged in from that prefix before. */
  readonly knownPlace: boolean;
  readonly credentials: "not-checked" | "right" | "wrong";
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
  /** null: there is none any more. */
  readonly account: AccountFacts | null;
  /** SIZE= of RFC 1870; 0 where the client did not say. */
  readonly sizeBytes: number;
  /** Recipients accepted in this transaction so far, without this one. */
  readonly recipients: number;
  /** Whether the address failed for good before, and the account wants such refused. */
  readonly suppressed: boolean;
  /** null: not looked up. */
  readonly domain: DomainFacts | null;
}

/** What tells a non-delivery report. */
export interface ReportFacts {
  readonly nullReversePath: boolean;
  /** The parameter report-type of multipart/report (RFC 6522 3). */
  readonly reportType: "none" | "delivery-status" | "another";
  /** RFC 3834 5. `failure`: generated or replied, and a comment speaks of a failure. */
  readonly autoSubmitted: "no" | "generated" | "replied" | "failure";
  /** Whether a field X-Failed-Recipients is there: some servers' reports have it and nothing else. */
  readonly failedRecipientsField: boolean;
}

/** Facts at the end of the data. */
export interface MessageFacts extends ReportFacts {
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
  /** Of the account, as far as the node knows; what is limited is the counter store's to add up. */
  readonly ndrChoice: NdrWish["choice"];
}

/** Facts about a domain in the From field. */
export interface AuthorFacts {
  readonly ownership: DomainOwnership;
}

/** Facts after the counter store answered a reservation. */
export interface QuotaFacts {
  /** The counter store's clock. */
  readonly now: number;
  /** null: there is none any more. */
  readonly account: Pick<AccountFacts, "status" | "blocks"> | null;
  readonly granted: boolean;
  /** Relays used on the day of `now`, without this reservation. */
  readonly used: number;
  /** The day's cap that the store compared with. */
  readonly limit: number;
  /** Relays that the reservation asked for. */
  readonly need: number;
  /** Where it is for a non-delivery report: the relays of such, and their cap; null for any other message. */
  readonly ndr: { readonly used: number; readonly limit: number; readonly wish: NdrWish } | null;
}

/** The stages of a decision by name, with the facts of each. */
export interface FactsOf {
  readonly connection: ConnectionFacts;
  readonly login: LoginFacts;
  readonly mail: MailFacts;
  readonly recipient: RecipientFacts;
  readonly message: MessageFacts;
  readonly author: AuthorFacts;
  readonly quota: QuotaFacts;
}

export type StageName = keyof FactsOf;
