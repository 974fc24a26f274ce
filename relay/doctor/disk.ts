/** Whether the data directory's disk does what a sync asks for, and how fast: each message waits for one. */
import { join } from "@std/path";
import type { Finding } from "../../api/client.ts";

const SYNCS = 16;
const BLOCK_OCTETS = 4096;
/**
 * No disk that keeps its word writes through in less: such a sync ends in a cache that a power failure empties. The
 * fastest NVMe drives with protected caches take about 10 µs.
 */
const TOO_FAST_MS = 0.005;
/** A spinning disk takes about so long; beyond, something else is slow. */
const SLOW_MS = 20;

/** @param monotonic ms of a steady clock. */
export async function diskFinding(directory: string, monotonic: () => number): Promise<Finding> {
  const path = join(directory, "doctor.tmp");
  const times: number[] = [];
  try {
    using file = await Deno.open(path, { write: true, create: true, truncate: true, mode: 0o600 });
    const block = new Uint8Array(BLOCK_OCTETS);
    for (let n = 0; n < SYNCS; n++) {
      await file.write(block);
      const before = monotonic();
      await file.syncData();
      times.push(monotonic() - before);
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { what: "disk", verdict: "bad", words: `The data directory cannot be written: ${error.message}` };
  } finally {
    await Deno.remove(path).catch(() => {}); // it may not be there
  }
  return judgeSyncs(times);
}

/** @param times of syncs, in ms; at least one. */
export function judgeSyncs(times: readonly number[]): Finding {
  const median = times.toSorted((one, other) => one - other)[times.length >> 1]!;
  const took = `A sync takes ${median < 1 ? `${Math.round(median * 1000)} µs` : `${median.toFixed(1)} ms`}`;
  if (median < TOO_FAST_MS) {
    const words =
      `${took}: too little to be true. Mail could be lost in a power failure: is the data directory in memory, or ` +
      "are syncs turned off?";
    return { what: "disk", verdict: "warning", words };
  }
  return median > SLOW_MS
    ? { what: "disk", verdict: "warning", words: `${took}: each message waits for one. A faster disk would help.` }
    : { what: "disk", verdict: "good", words: `${took}.` };
}
