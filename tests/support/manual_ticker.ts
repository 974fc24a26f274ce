/** A ticker whose seconds pass when a test says so. */
import type { Ticker } from "../../relay/delivery/deadlines.ts";

export class ManualTicker {
  readonly #ticks = new Set<() => void>();

  readonly ticker: Ticker = (tick) => {
    this.#ticks.add(tick);
    return () => void this.#ticks.delete(tick);
  };

  pass(seconds: number): void {
    for (let second = 0; second < seconds; second++) for (const tick of [...this.#ticks]) tick();
  }
}
