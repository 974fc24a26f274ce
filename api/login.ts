/**
 * Whether a login holds: by the account's own password, or by one of its app passwords.
 *
 * App passwords are random, of 128 bits, so that their SHA-256 is enough, and one look-up finds the one of them. What
 * does not hold costs the same, that look-up and one scrypt, whether or not there is such an account, and however many
 * passwords it has.
 */
import type { Kysely } from "kysely";
import { hashToken, isUseWritten } from "./bearer.ts";
import type { Passwords } from "./passwords.ts";
import { findPasswordHash } from "./store/accounts.ts";
import { findAppPassword, markAppPasswordUsed } from "./store/app_passwords.ts";
import type { Database } from "./store/schema.ts";

interface Sources {
  readonly db: Kysely<Database>;
  readonly passwords: Passwords;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** The client's. */
  readonly address: string;
}

/** @throws QueueFull */
export const loginHolds = async (
  { db, passwords, now }: Sources,
  { username, password, address }: Credentials,
): Promise<boolean> => {
  const ofApp = await findAppPassword(db, username, hashToken(password));
  if (ofApp === undefined) return await passwords.verify(password, await findPasswordHash(db, username));
  const at = now();
  if (!isUseWritten(ofApp.last_used_at, at)) await markAppPasswordUsed(db, ofApp.id, at, address);
  return true;
};
