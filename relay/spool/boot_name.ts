/**
 * Names a start of the node: a ULID that sorts behind those of its earlier starts, also where the clock was set back
 * meanwhile. By that the control plane tells what they left open (api/counters/counters.ts).
 *
 * Other ids do not come from here: where the clock has been far ahead once, the names of starts stay ahead of it.
 */
import { decodeTime, ulid } from "@std/ulid";
import type { IndexStore } from "./index_store.ts";

/** Remembers the name, too: it is durable after the index's next sync. @param now epoch ms */
export function nameBoot(index: IndexStore, now: number): string {
  const last = index.getFact("boot");
  const boot = ulid(last === undefined ? now : Math.max(now, decodeTime(last) + 1));
  index.setFact("boot", boot);
  return boot;
}
