/** A figure of the last minute, kept in parts of five seconds: so it is of the last 55 to 60 seconds. Pure. */

const PART_MS = 5000;
const PARTS = 12;

/** What the figures of two times come to together. */
export type Join = (one: number, other: number) => number;

export class LastMinute {
  readonly #join: Join;
  /** By the number of the part, the oldest first. */
  readonly #parts = new Map<number, number>();

  constructor(join: Join) {
    this.#join = join;
  }

  /** @param now ms of a monotonic clock. */
  add(figure: number, now: number): void {
    const part = Math.floor(now / PART_MS);
    this.#parts.set(part, this.#join(this.#parts.get(part) ?? 0, figure));
    this.#forgetBefore(part);
  }

  /** All figures of the last minute together; 0: there were none. @param now as above. */
  at(now: number): number {
    this.#forgetBefore(Math.floor(now / PART_MS));
    let all = 0;
    for (const figure of this.#parts.values()) all = this.#join(all, figure);
    return all;
  }

  #forgetBefore(part: number): void {
    for (const oldest of this.#parts.keys()) {
      if (oldest > part - PARTS) return;
      this.#parts.delete(oldest);
    }
  }
}
