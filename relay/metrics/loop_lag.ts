/** How late the event loop of a thread is: the longest delay of a timer. */
import { LastMinute } from "./last_minute.ts";

/** So often it is looked: a delay is seen in full or less by this, at a cost of some µs a second. */
const LOOK_MS = 100;
const MS_PER_SECOND = 1000;

export class LoopLag implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #monotonic: () => number;
  readonly #lastMinute = new LastMinute(Math.max);
  #longestMs = 0;

  /** @param monotonic milliseconds of a monotonic clock. */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
    let last = monotonic();
    this.#timer = setInterval(() => {
      const now = monotonic(), lateMs = now - last - LOOK_MS;
      this.#longestMs = Math.max(this.#longestMs, lateMs);
      this.#lastMinute.add(lateMs, now);
      last = now;
    }, LOOK_MS);
  }

  /** The longest delay since the last call, in seconds. */
  take(): number {
    const seconds = this.#longestMs / MS_PER_SECOND;
    this.#longestMs = 0;
    return seconds;
  }

  /** The longest delay in the last minute, in ms. */
  get lastMinuteMs(): number {
    return this.#lastMinute.at(this.#monotonic());
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
