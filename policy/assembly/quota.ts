/**
 * Whether the day's relays suffice: no block at all, none active yet, or too little left.
 *
 * Before the reservation this only saves the customer an upload; what counts is the counter store's atomic answer,
 * which `reservation` puts into words.
 */
import { standing } from "./account.ts";
import { cap, nextActivation } from "./cap.ts";
import { dayNumber, nextMidnight } from "./day.ts";
import {
  BLOCK_COUNT,
  GRANTED,
  LIMIT,
  NDR,
  NDR_LIMIT,
  NDR_USED,
  NEED,
  NEVER,
  NOW,
  USED,
  USED_DAY,
  VERDICT_ACTIVATES_AT,
  VERDICT_LIMIT,
  VERDICT_NEED,
  VERDICT_RESETS_AT,
  VERDICT_USED,
} from "./layout.ts";
import { needed } from "./price.ts";
import { Reason } from "./reason.ts";

/** At MAIL and RCPT: would one recipient more still fit, as far as is known? */
export function relays(): Reason {
  const limit = cap();
  const reason = blocks(limit);
  return reason !== Reason.Accepted ? reason : room(usedToday(), limit, needed());
}

/** The counter store's answer: a granted reservation stands; a refused one is told why. */
export function reservation(): Reason {
  if (load<f64>(GRANTED) === 1) return Reason.Accepted;
  const limit = load<f64>(LIMIT);
  let reason = standing();
  if (reason === Reason.Accepted) reason = blocks(limit);
  if (reason === Reason.Accepted) reason = room(load<f64>(USED), limit, load<f64>(NEED));
  if (reason === Reason.Accepted && load<f64>(NDR) === 1) reason = ndrRoom();
  // Refused with room to spare: an id that was refunded before, say. Nothing that the customer could mend.
  return reason === Reason.Accepted ? Reason.ReservationRefused : reason;
}

/** A count of an earlier day is over. One of a later day stands: the counter store's clock is ahead, and it decides. */
export function usedToday(): f64 {
  return load<f64>(USED_DAY) < dayNumber(load<f64>(NOW)) ? 0 : load<f64>(USED);
}

function blocks(limit: f64): Reason {
  if (load<f64>(BLOCK_COUNT) === 0) return Reason.NoBlock;
  const activatesAt = nextActivation();
  if (limit > 0 || activatesAt === NEVER) return Reason.Accepted;
  store<f64>(VERDICT_ACTIVATES_AT, activatesAt);
  return Reason.BlockPending;
}

/** Where `need` does not fit, the verdict says by how much, and when it would. */
function room(used: f64, limit: f64, need: f64): Reason {
  if (used + need <= limit) return Reason.Accepted;
  const activatesAt = nextActivation();
  const resetsAt = tooLittle(used, limit, need);
  store<f64>(VERDICT_ACTIVATES_AT, activatesAt < resetsAt ? activatesAt : NEVER);
  return Reason.QuotaExceeded;
}

/** The same within the share of the day that non-delivery reports may use. */
function ndrRoom(): Reason {
  const used = load<f64>(NDR_USED), limit = load<f64>(NDR_LIMIT), need = load<f64>(NEED);
  if (used + need <= limit) return Reason.Accepted;
  tooLittle(used, limit, need);
  return Reason.NdrShareExceeded;
}

/** @returns when the count starts again, epoch ms */
function tooLittle(used: f64, limit: f64, need: f64): f64 {
  const resetsAt = nextMidnight(load<f64>(NOW));
  store<f64>(VERDICT_USED, used);
  store<f64>(VERDICT_LIMIT, limit);
  store<f64>(VERDICT_NEED, need);
  store<f64>(VERDICT_RESETS_AT, resetsAt);
  return resetsAt;
}
