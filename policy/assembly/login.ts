/**
 * Slows down guessing of passwords: failed logins count against a username and against an address prefix, until the
 * window that began with the first of them is over.
 *
 * An account's owner who comes from a prefix where he logged in before is not locked out by a stranger's guessing.
 */
import { Credentials } from "./codes.ts";
import {
  ACCOUNT_FAILURES,
  ACCOUNT_FAILURES_AGE,
  CREDENTIALS,
  KNOWN_PLACE,
  LOGIN_WINDOW_MS,
  MAX_LOGIN_FAILURES,
  PREFIX_FAILURES,
  PREFIX_FAILURES_AGE,
  VERDICT_WAIT_MS,
} from "./layout.ts";
import { Reason } from "./reason.ts";

/** Asked before the password is checked: a check costs, and its answer must not be had while the wait lasts. */
export function failedLogins(): Reason {
  let wait = waitFor(load<f64>(PREFIX_FAILURES), load<f64>(PREFIX_FAILURES_AGE));
  if (load<f64>(KNOWN_PLACE) !== 1) {
    const account = waitFor(load<f64>(ACCOUNT_FAILURES), load<f64>(ACCOUNT_FAILURES_AGE));
    if (account > wait) wait = account;
  }
  if (wait <= 0) return Reason.Accepted;
  store<f64>(VERDICT_WAIT_MS, wait);
  return Reason.TooManyFailedLogins;
}

/** Asked again behind the check. */
export function credentials(): Reason {
  return load<f64>(CREDENTIALS) === Credentials.Wrong ? Reason.AuthenticationFailed : Reason.Accepted;
}

/** @returns ms, 0 or less for none */
function waitFor(failures: f64, ageMs: f64): f64 {
  return failures < load<f64>(MAX_LOGIN_FAILURES) ? 0 : load<f64>(LOGIN_WINDOW_MS) - ageMs;
}
