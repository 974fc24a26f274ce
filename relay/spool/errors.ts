/** What can go wrong with the spool; each class has one cause. */

/** The disk did not take it: nothing was stored, and nothing of it will be delivered. The sender keeps it. */
export class SpoolFailure extends Error {
  override readonly name = "SpoolFailure";
}

/** What is stored does not match its checksum, or is not there. */
export class SpoolDamaged extends Error {
  override readonly name = "SpoolDamaged";
}

/** A newer version of this program has written it, in a way that this one does not know. The message is for people. */
export class SpoolTooNew extends Error {
  override readonly name = "SpoolTooNew";
}
