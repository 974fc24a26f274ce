/**
 * Why a verdict is what it is. Codes are stable: they are recorded, so one is never given a new meaning, and a new
 * reason takes the next free number.
 *
 * Read by both sides: AssemblyScript compiles it into the module, the host imports the same file.
 */
export enum Reason {
  Accepted = 0,

  AuthenticationRequired = 1,
  AccountSuspended = 2,
  NoBlock = 3,
  BlockPending = 4,
  QuotaExceeded = 5,
  /** The counter store refused although its facts leave room: its own trouble, never the customer's. */
  ReservationRefused = 6,
  /** The account's volume is far beyond its habit. */
  Braked = 7,
  /** The account refuses non-delivery reports. */
  NdrRefused = 8,
  /** The account's share of the day for non-delivery reports is used up. */
  NdrShareExceeded = 9,

  MessageTooBig = 10,
  TooManyRecipients = 11,
  TooManyHops = 12,
  BareLineEnding = 13,
  SeveralFrom = 14,
  /** The header section does not end within what is scanned, so nobody knows what it says. */
  HeaderTooLong = 15,
  /** The From field is longer than what is scanned, or names more domains than are looked up. */
  FromTooLong = 16,

  SenderDomainMissing = 20,
  SenderNoUsableRecord = 21,
  SenderNullMx = 22,
  SenderDnsFailed = 23,
  DomainOfAnotherAccount = 24,
  /** The operator lets accounts send as domains that they have claimed, and as no others. */
  DomainUnclaimed = 25,

  RecipientDomainMissing = 30,
  RecipientNullMx = 31,
  /** The address failed for good before, with mail of the same account. */
  RecipientSuppressed = 32,

  TooManyConnections = 40,
  TooManyConnectionsFromAddress = 41,
  TooManyFailedLogins = 42,
  AuthenticationFailed = 43,

  /** Never a module's answer: the host gives it where a module failed to give one. */
  PolicyFault = 60,
}
