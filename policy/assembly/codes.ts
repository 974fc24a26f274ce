/**
 * Numbers that stand in memory for the named values of `policy/facts.ts` and `policy/verdict.ts`.
 *
 * Read by both sides: AssemblyScript compiles it into the module, the host imports the same file.
 */

/** `DomainFacts.existence` */
export enum Existence {
  NotChecked = 0,
  Exists = 1,
  Missing = 2,
  Failed = 3,
}

/** `DomainFacts.mx` */
export enum Mx {
  None = 0,
  Null = 1,
  Usable = 2,
  NamesAddress = 3,
  Unresolvable = 4,
  Failed = 5,
}

/** `DomainFacts.address` */
export enum Address {
  Absent = 0,
  Present = 1,
  Failed = 2,
}

/** What is wrong with a sender's domain that has no usable record. */
export enum SenderRecord {
  /** Neither MX nor A nor AAAA. */
  Nothing = 0,
  /** An MX names an IP address instead of a host. */
  MxNamesAddress = 1,
  /** The hosts that the MX name have no address. */
  MxUnresolvable = 2,
}

/** `DomainOwnership` */
export enum Ownership {
  Unclaimed = 0,
  Own = 1,
  Another = 2,
  /** Nobody looked, or there is no domain. */
  NotChecked = 3,
}

/** `LoginFacts.credentials` */
export enum Credentials {
  NotChecked = 0,
  Right = 1,
  Wrong = 2,
}

/** `ReportFacts.reportType`: the parameter of multipart/report (RFC 6522 3). */
export enum ReportType {
  None = 0,
  DeliveryStatus = 1,
  Another = 2,
}

/** `ReportFacts.autoSubmitted` (RFC 3834 5). */
export enum AutoSubmitted {
  /** No such field, or "no". */
  No = 0,
  Generated = 1,
  /** An answer to a message: vacation notes, but some servers' reports too. */
  Replied = 2,
  /** Either of them, and its comment speaks of a failure. */
  Failure = 3,
}

/** `AccountFacts.ndr.choice` */
export enum NdrChoice {
  Count = 0,
  Limit = 1,
  Refuse = 2,
}

/** `Braked.measure` */
export enum BrakeMeasure {
  Relays = 0,
  Recipients = 1,
  RefusedRecipients = 2,
}
