/**
 * Whether the recipient's domain takes mail at all. Only what is certain refuses: trouble in DNS, and hosts without an
 * address, are accepted and queued, for they may mend before the message expires.
 */
import { Existence, Mx } from "./codes.ts";
import { DOMAIN_EXISTENCE, DOMAIN_MX, RECIPIENT_SUPPRESSED } from "./layout.ts";
import { Reason } from "./reason.ts";

export function recipientDomain(): Reason {
  const existence = load<f64>(DOMAIN_EXISTENCE);
  if (existence === Existence.Missing) return Reason.RecipientDomainMissing;
  const nullMx = existence === Existence.Exists && load<f64>(DOMAIN_MX) === Mx.Null;
  return nullMx ? Reason.RecipientNullMx : Reason.Accepted; // RFC 7505
}

/** The address itself: one that its server has said not to exist need not be asked for again. */
export function suppression(): Reason {
  return load<f64>(RECIPIENT_SUPPRESSED) === 1 ? Reason.RecipientSuppressed : Reason.Accepted;
}
