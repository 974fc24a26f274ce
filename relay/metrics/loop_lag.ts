/** How late the event loop of a thread is: the longest delay of a timer, since it was last asked for. */

/** So often it is looked: a delay is seen in full or less by this, at a cost of some µs a second. */
const LOOK_MS = 100;
const MS_PER_SECOND = 1000;

export class LoopLag implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;
  #longestMs = 0;

  /** @param monotonic milliseconds of a monotonic clock. */
  constructor(monotonic: () => number) {
    let last = monotonic();
    this.#timer = setInterval(() => {
      const now = monotonic();
      this.#longestMs = Math.max(this.#longestMs, now - last - LOOK_MS);
      last = now;
    }, LOOK_MS);
  }

  /** The longest delay since the last call, in seconds. */
  take(): number {
    const seconds = this.#longestMs / MS_PER_SECOND;
    this.#longestMs = 0;
    return seconds;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
