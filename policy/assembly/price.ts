/**
 * What a message costs: floor(size / step) + 1 relays for each recipient, so that a message under 10 MB costs one.
 * A size that was not declared is 0 here, which gives the least it can cost.
 */
import { PRICE_STEP_BYTES, RECIPIENTS, SIZE_BYTES } from "./layout.ts";

/** @returns relays that the message costs for RECIPIENTS */
export function price(): f64 {
  return forEach() * load<f64>(RECIPIENTS);
}

/** At MAIL and RCPT: @returns relays with one recipient more */
export function needed(): f64 {
  return forEach() * (load<f64>(RECIPIENTS) + 1);
}

function forEach(): f64 {
  return Math.floor(load<f64>(SIZE_BYTES) / load<f64>(PRICE_STEP_BYTES)) + 1;
}
