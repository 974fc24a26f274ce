import { delay } from "@std/async/delay.js";

/** Resolves after so many ms, or when `signal` aborts: the only reason why `delay` rejects. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return delay(ms, { signal }).catch(() => {});
}
