/**
 * What a message costs: floor(size / step) + 1 relays for each recipient, so that a message under 10 MB costs one.
 * A size that was not declared is 0 here, which gives the least it can cost.
 */
import { PRICE_STEP_BYTES } from "./layout.ts";

/** @returns relays */
export function price(sizeBytes: f64, recipients: f64): f64 {
  return (Math.floor(sizeBytes / load<f64>(PRICE_STEP_BYTES)) + 1) * recipients;
}
