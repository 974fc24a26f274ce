/** Who waits, by the share that it counts for: shares take turns; within a share, first come, first served. */
import type { Share } from "./connection_shares.ts";

export class Line<T> {
  /** The share whose turn was longest ago is at the front. A Set keeps order and gives up its first cheaply. */
  readonly #waiting = new Map<Share, Set<T>>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Those that wait here, in the order of their turns. */
  get shares(): IterableIterator<Share> {
    return this.#waiting.keys();
  }

  /** Who waits here for a share, in the order of coming. */
  of(share: Share): ReadonlySet<T> {
    return this.#waiting.get(share) ?? new Set();
  }

  /** Who waits already keeps its place. */
  join(share: Share, one: T): void {
    let ones = this.#waiting.get(share);
    if (ones === undefined) this.#waiting.set(share, ones = new Set());
    if (ones.has(one)) return;
    ones.add(one);
    this.#length++;
  }

  /** Who waits no more, if it did; its share has had its turn. */
  leave(share: Share, one: T): void {
    const ones = this.#waiting.get(share);
    if (!ones?.delete(one)) return;
    this.#length--;
    this.#waiting.delete(share);
    if (ones.size > 0) this.#waiting.set(share, ones); // at the back
  }

  /** Empties it, and gives who waited. */
  clear(): T[] {
    const all = Array.from(this.#waiting.values(), (ones) => [...ones]).flat();
    this.#waiting.clear();
    this.#length = 0;
    return all;
  }
}
