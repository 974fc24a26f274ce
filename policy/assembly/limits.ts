/**
 * What one message may be: its size, its recipients, its way so far, its line endings, its header, its authors.
 */
import {
  BARE_LINE_ENDINGS,
  FROM_FIELDS,
  FROM_TOO_LONG,
  HEADER_TOO_LONG,
  MAX_RECEIVED_FIELDS,
  MAX_RECIPIENTS,
  MAX_SIZE_BYTES,
  RECEIVED_FIELDS,
  RECIPIENTS,
  SIZE_BYTES,
  VERDICT_LIMIT,
} from "./layout.ts";
import { Reason } from "./reason.ts";

/** RFC 1870 6.1 at MAIL, 6.3 at the end of the data. */
export function size(): Reason {
  return atMost(load<f64>(MAX_SIZE_BYTES), load<f64>(SIZE_BYTES), Reason.MessageTooBig);
}

/** RFC 5321 4.5.3.1.8 asks for room for at least 100. */
export function recipientCount(): Reason {
  return atMost(load<f64>(MAX_RECIPIENTS), load<f64>(RECIPIENTS) + 1, Reason.TooManyRecipients);
}

/** RFC 5321 6.3: loops are detected by counting Received fields. */
export function hops(): Reason {
  return atMost(load<f64>(MAX_RECEIVED_FIELDS), load<f64>(RECEIVED_FIELDS), Reason.TooManyHops);
}

/** RFC 5321 2.3.8: CR and LF stand only together; a bare one is what SMTP smuggling is made of. */
export function lineEndings(): Reason {
  return load<f64>(BARE_LINE_ENDINGS) === 1 ? Reason.BareLineEnding : Reason.Accepted;
}

/** RFC 5322 3.6 allows one From field. None at all is let through: it misleads nobody. */
export function fromFields(): Reason {
  return load<f64>(FROM_FIELDS) > 1 ? Reason.SeveralFrom : Reason.Accepted;
}

/** What was not read cannot be judged: a From field behind it would pass unseen. */
export function headerLength(): Reason {
  return load<f64>(HEADER_TOO_LONG) === 1 ? Reason.HeaderTooLong : Reason.Accepted;
}

/** The same for the addresses in the From field. */
export function fromLength(): Reason {
  return load<f64>(FROM_TOO_LONG) === 1 ? Reason.FromTooLong : Reason.Accepted;
}

export function atMost(limit: f64, value: f64, refusal: Reason): Reason {
  if (value <= limit) return Reason.Accepted;
  store<f64>(VERDICT_LIMIT, limit);
  return refusal;
}
