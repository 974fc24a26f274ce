/**
 * Answers by name for as long as they hold, within a bounded amount of memory; the least recently used go first.
 *
 * Time is a parameter, in milliseconds of any monotonic clock. A hit allocates nothing: the promise that is given is
 * the one that was kept.
 */
export class AnswerCache<T> {
  /** In the order of use, oldest first: a Map keeps the order of insertion. */
  readonly #entries = new Map<string, Entry<T>>();
  readonly #capacityOctets: number;
  #octets = 0;

  /** @param capacityOctets about how much memory the entries may take, by `weigh`'s estimate. */
  constructor(capacityOctets: number) {
    this.#capacityOctets = capacityOctets;
  }

  /** The answer kept under `name`, if it holds at `now` and was kept with a serial number above `after`. */
  get(name: string, now: number, after: number): Promise<T> | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.serial <= after) return undefined;
    this.#entries.delete(name);
    if (entry.expiresAt <= now) {
      this.#octets -= entry.octets;
      return undefined;
    }
    this.#entries.set(name, entry);
    return entry.answer;
  }

  set(name: string, entry: Entry<T>): void {
    this.delete(name);
    this.#entries.set(name, entry);
    this.#octets += entry.octets;
    for (const oldest of this.#entries.keys()) {
      if (this.#octets <= this.#capacityOctets) break;
      this.delete(oldest);
    }
  }

  delete(name: string): void {
    this.#octets -= this.#entries.get(name)?.octets ?? 0;
    this.#entries.delete(name);
  }

  get size(): number {
    return this.#entries.size;
  }
}

export interface Entry<T> {
  readonly answer: Promise<T>;
  readonly expiresAt: number;
  /** Grows with every answer that is kept. */
  readonly serial: number;
  /** An estimate of the memory it takes. */
  readonly octets: number;
}
