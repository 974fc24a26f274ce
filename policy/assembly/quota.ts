/**
 * Whether the day's relays suffice: no block at all, none active yet, or too little left.
 *
 * Before the reservation this only saves the customer an upload; what counts is the counter store's atomic answer,
 * which `refusedReservation` puts into words.
 */
import { cap, nextActivation } from "./cap.ts";
import { dayNumber, nextMidnight } from "./day.ts";
import {
  BLOCK_COUNT,
  LIMIT,
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
import { Reason } from "./reason.ts";

/** Before the reservation: would `need` relays still fit, as far as is known? */
export function foreseeable(need: f64): Reason {
  const limit = cap();
  const reason = blocks(limit);
  return reason !== Reason.Accepted ? reason : room(usedToday(), limit, need);
}

/** After the counter store refused the reservation: why it did. */
export function refusedReservation(): Reason {
  const limit = load<f64>(LIMIT);
  let reason = blocks(limit);
  if (reason === Reason.Accepted) reason = room(load<f64>(USED), limit, load<f64>(NEED));
  // Refused with room to spare: an id that was refunded before, say. Nothing that the customer could mend.
  return reason === Reason.Accepted ? Reason.ReservationRefused : reason;
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
  const resetsAt = nextMidnight(load<f64>(NOW));
  const activatesAt = nextActivation();
  store<f64>(VERDICT_USED, used);
  store<f64>(VERDICT_LIMIT, limit);
  store<f64>(VERDICT_NEED, need);
  store<f64>(VERDICT_RESETS_AT, resetsAt);
  store<f64>(VERDICT_ACTIVATES_AT, activatesAt < resetsAt ? activatesAt : NEVER);
  return Reason.QuotaExceeded;
}

/** A count of an earlier day is over. One of a later day stands: the counter store's clock is ahead, and it decides. */
function usedToday(): f64 {
  return load<f64>(USED_DAY) < dayNumber(load<f64>(NOW)) ? 0 : load<f64>(USED);
}
