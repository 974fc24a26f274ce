import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { nextDot, nextLineEnd } from "../../../relay/protocol/octet_search.ts";

/** What stands beside what is looked for, and what a word's arithmetic could take for it. */
const octet = fc.oneof(
  fc.constantFrom(0, 9, 10, 11, 12, 13, 14, 45, 46, 47, 0x7f, 0x80, 0x8a, 0x8d, 0xae, 0xff),
  fc.integer({ min: 0, max: 255 }),
);
/** Anywhere in a buffer, at any offset of a word. */
const part = fc.tuple(fc.array(octet, { maxLength: 40 }), fc.nat(7)).map(([octets, before]) => {
  const whole = Uint8Array.from([...Array(before).fill(10), ...octets, 13, 46]);
  return whole.subarray(before, before + octets.length);
});

for (
  const [what, search, wanted] of [
    ["a CR or LF", nextLineEnd, [10, 13]],
    ["a dot", nextDot, [46]],
  ] as const
) {
  Deno.test(`property: ${what} is found where it stands first, and nothing where there is none`, () => {
    fc.assert(fc.property(part, (octets) => {
      const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
      for (let from = 0; from <= octets.length; from++) {
        const found = octets.findIndex((each, at) => at >= from && (wanted as readonly number[]).includes(each));
        assertEquals(search(octets, view, from), found < 0 ? octets.length : found);
      }
    }));
  });
}
