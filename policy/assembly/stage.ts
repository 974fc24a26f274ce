/**
 * The moments at which a decision is made, in the order in which a message meets them. Numbers are stable: they are
 * recorded.
 *
 * Read by both sides: AssemblyScript compiles it into the module, the host imports the same file.
 */
export enum Stage {
  /** A client connects. */
  Connection = 0,
  /** A client logs in: once before its password is checked, once behind. */
  Login = 1,
  /** MAIL: account, sender, declared size. */
  Mail = 2,
  /** RCPT: one recipient more. */
  Recipient = 3,
  /** The end of the data, before anything is reserved. */
  Message = 4,
  /** The end of the data, for each domain in the From field. */
  Author = 5,
  /** The counter store has granted or refused the reservation. */
  Quota = 6,
}
