/**
 * Numbers that stand in memory for the named values of `policy/facts.ts` and `policy/verdict.ts`.
 *
 * Read by both sides: AssemblyScript compiles it into the module, `policy/mod.ts` imports the same file.
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
}
