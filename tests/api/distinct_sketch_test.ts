/** How well distinct recipients are counted. */
import { assert, assertEquals } from "@std/assert";
import { addToSketch, estimate, SKETCH_OCTETS } from "../../api/distinct_sketch.ts";

const addresses = (count: number, prefix = "r") => Array.from({ length: count }, (_, n) => `${prefix}${n}@example.net`);

function counted(...lists: string[][]): number {
  const sketch = new Uint8Array(SKETCH_OCTETS);
  for (const list of lists) addToSketch(sketch, list);
  return estimate(sketch);
}

Deno.test("distinct recipients: none, one, and one again in other letters", () => {
  assertEquals([counted(), counted(addresses(1)), counted(addresses(1), ["R0@EXAMPLE.NET"])], [0, 1, 1]);
});

Deno.test("distinct recipients: over forty sets of any size the error is as stated, and what comes again changes nothing", () => {
  for (const size of [10, 50, 100, 500, 1000, 10_000]) {
    const errors = Array.from({ length: 40 }, (_, set) => {
      const list = addresses(size, `${set}-`);
      const once = counted(list);
      assertEquals(counted(list, list.toReversed()), once);
      return once / size - 1;
    });
    const deviation = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length);
    assert(deviation < 0.1, `${size} recipients: a standard deviation of ${deviation}`);
  }
});
