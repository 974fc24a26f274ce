/** How much more memory is in use than before, when all that can be collected has been. */
import v8 from "node:v8";
import vm from "node:vm";

v8.setFlagsFromString("--expose-gc");
const collect = vm.runInNewContext("gc") as () => void;

export interface MemoryUse {
  readonly heapBytes: number;
  readonly rssBytes: number;
}

export function memoryUse(): MemoryUse {
  collect();
  const { heapUsed, rss } = Deno.memoryUsage();
  return { heapBytes: heapUsed, rssBytes: rss };
}

/** @throws {Error} it grew by more than these bytes */
export function assertGrownByLess(before: MemoryUse, bounds: MemoryUse): void {
  const now = memoryUse();
  for (const what of ["heapBytes", "rssBytes"] as const) {
    const grown = now[what] - before[what];
    if (grown > bounds[what]) {
      throw new Error(`${what} grew by ${grown}, from ${before[what]}; at most ${bounds[what]}`);
    }
  }
}
