/**
 * The rules by name, for explanations. Numbers are stable; a module of somebody else may have rules of its own above
 * 1000, which are shown by number.
 *
 * Read by both sides: AssemblyScript compiles it into the module, the host imports the same file.
 */
export enum Rule {
  /** Behind the last rule of a stage. */
  None = 0,

  OpenConnections = 1,
  ConnectionsFromAddress = 2,

  FailedLogins = 10,
  Credentials = 11,

  Authentication = 20,
  Standing = 21,
  /** Blocks and what is left of the day, as far as is known before the reservation. */
  Relays = 22,
  Brake = 23,
  /** The counter store's answer. */
  Reservation = 24,

  SenderDomain = 30,
  DomainOwnership = 31,
  RecipientDomain = 32,
  Suppression = 33,

  Size = 40,
  RecipientCount = 41,
  LineEndings = 42,
  HeaderLength = 43,
  Hops = 44,
  FromFields = 45,
  FromLength = 46,

  NonDeliveryReport = 50,
}
