/**
 * The rulebook's entry points. Each reads parameters and facts from memory (layout.ts), tries its rules in the order
 * written here, and returns the first refusal's reason; the verdict's data lie in memory.
 *
 * No imports, no clock, no randomness, no allocation: the same memory gives the same verdict on every machine.
 */
import { authentication, standing } from "./account.ts";
import { cap } from "./cap.ts";
import { calendarDay, nextMidnight } from "./day.ts";
import { GRANTED, RECIPIENTS, SIZE_BYTES } from "./layout.ts";
import { authors, fromLength, headerLength, hops, lineEndings, recipientCount, size } from "./limits.ts";
import { ownership } from "./ownership.ts";
import { price } from "./price.ts";
import { foreseeable, refusedReservation } from "./quota.ts";
import { Reason } from "./reason.ts";
import { recipientDomain } from "./recipient.ts";
import { sender } from "./sender.ts";

export { calendarDay, cap, nextMidnight, price };

/** At MAIL: the message will have one recipient at least. */
export function mail(): Reason {
  let reason = authentication();
  if (reason === Reason.Accepted) reason = size();
  if (reason === Reason.Accepted) reason = standing();
  if (reason === Reason.Accepted) reason = foreseeable(price(load<f64>(SIZE_BYTES), 1));
  if (reason === Reason.Accepted) reason = ownership();
  if (reason === Reason.Accepted) reason = sender();
  return reason;
}

/** At RCPT: with this recipient, and those before it. */
export function recipient(): Reason {
  let reason = recipientCount();
  if (reason === Reason.Accepted) reason = standing();
  if (reason === Reason.Accepted) reason = foreseeable(price(load<f64>(SIZE_BYTES), load<f64>(RECIPIENTS) + 1));
  if (reason === Reason.Accepted) reason = recipientDomain();
  return reason;
}

/** At the end of the data, before anything is reserved. */
export function message(): Reason {
  let reason = size();
  if (reason === Reason.Accepted) reason = lineEndings();
  if (reason === Reason.Accepted) reason = headerLength();
  if (reason === Reason.Accepted) reason = hops();
  if (reason === Reason.Accepted) reason = authors();
  if (reason === Reason.Accepted) reason = fromLength();
  return reason;
}

/** At the end of the data, for each domain in the From field. */
export function author(): Reason {
  return ownership();
}

/** After the counter store has granted or refused the reservation. A granted one stands. */
export function quota(): Reason {
  if (load<f64>(GRANTED) === 1) return Reason.Accepted;
  const reason = standing();
  return reason === Reason.Accepted ? refusedReservation() : reason;
}
