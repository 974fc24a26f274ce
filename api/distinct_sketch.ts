/**
 * Counts distinct recipients without keeping one of them: HyperLogLog (Flajolet and others, 2007) with 256 registers of
 * one octet, so 256 octets a day and account, and an error of 6.5 % (one standard deviation); small numbers are counted
 * by the registers that are still empty, which is nearly exact. Pure.
 */
import { hash } from "node:crypto";

export const SKETCH_OCTETS = 256;
/** Of the estimate's bias for so many registers. */
const ALPHA = 0.7213 / (1 + 1.079 / SKETCH_OCTETS);
/** Below so many times the registers the empty ones tell more than the others. */
const LINEAR_UP_TO = 2.5;

/** Takes addresses in; one that comes again changes nothing. Letters of either case are the same. */
export function addToSketch(sketch: Uint8Array, addresses: Iterable<string>): void {
  for (const address of addresses) {
    const digest = hash("sha256", address.toLowerCase(), "buffer");
    // The first octet names the register; it keeps the longest run of zeros, plus one, of the next 32 bits.
    const rank = Math.clz32(digest.readUInt32BE(1)) + 1;
    const register = digest[0]!;
    if (sketch[register]! < rank) sketch[register] = rank;
  }
}

/** How many distinct addresses were taken in, about. */
export function estimate(sketch: Uint8Array): number {
  let sum = 0, empty = 0;
  for (const rank of sketch) {
    sum += 2 ** -rank;
    if (rank === 0) empty++;
  }
  const raw = (ALPHA * SKETCH_OCTETS ** 2) / sum;
  const isSmall = raw <= LINEAR_UP_TO * SKETCH_OCTETS && empty > 0;
  return Math.round(isSmall ? SKETCH_OCTETS * Math.log(SKETCH_OCTETS / empty) : raw);
}
