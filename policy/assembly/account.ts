/**
 * Whether there is an account, and whether it may send at all.
 */
import { AUTHENTICATED, SUSPENDED } from "./layout.ts";
import { Reason } from "./reason.ts";

export function authentication(): Reason {
  return load<f64>(AUTHENTICATED) === 1 ? Reason.Accepted : Reason.AuthenticationRequired;
}

export function standing(): Reason {
  return load<f64>(SUSPENDED) === 1 ? Reason.AccountSuspended : Reason.Accepted;
}
