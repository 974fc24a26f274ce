/** The database's trouble, as far as it is not a mistake of ours: what operators mend, and what mends itself. */

/** It cannot be asked now, or was too slow: the same call may succeed later. Answered with 503. */
export class DatabaseUnavailable extends Error {
  override readonly name = "DatabaseUnavailable";
}

/** The service cannot start on it, and trying again would not help. The message says why, for the operator. */
export class DatabaseUnusable extends Error {
  override readonly name = "DatabaseUnusable";
}
