/**
 * What the blocks give: the day's cap from those that are active, and when the next one will be.
 * A block is active from its activation on, that moment included.
 */
import {
  BLOCK_ACTIVATES_AT,
  BLOCK_COUNT,
  BLOCK_QUANTITY,
  BLOCK_STRIDE,
  NEVER,
  NOW,
  RELAYS_PER_BLOCK,
} from "./layout.ts";

/** @returns relays that may be used on the day of NOW, as of NOW */
export function cap(): f64 {
  const now = load<f64>(NOW);
  const count = load<f64>(BLOCK_COUNT) as i32;
  let blocks: f64 = 0;
  for (let i = 0; i < count; i++) {
    const entry = i * BLOCK_STRIDE;
    if (load<f64>(BLOCK_ACTIVATES_AT + entry) <= now) blocks += load<f64>(BLOCK_QUANTITY + entry);
  }
  return blocks * load<f64>(RELAYS_PER_BLOCK);
}

/** @returns the earliest activation after NOW, epoch ms, or NEVER */
export function nextActivation(): f64 {
  const now = load<f64>(NOW);
  const count = load<f64>(BLOCK_COUNT) as i32;
  let earliest: f64 = NEVER;
  for (let i = 0; i < count; i++) {
    const activatesAt = load<f64>(BLOCK_ACTIVATES_AT + i * BLOCK_STRIDE);
    if (activatesAt > now && (earliest === NEVER || activatesAt < earliest)) earliest = activatesAt;
  }
  return earliest;
}
