/**
 * Joins calls that come while an earlier one is under way: the first goes at once, the rest go together. So a quiet
 * node waits for nobody, and a loaded one makes far fewer calls than it has messages.
 */
export interface Pace {
  /** From the beginning of one call to that of the next at least so many ms: what comes meanwhile goes together. */
  readonly everyMs: number;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
}

export class Batcher<Item, Result> {
  readonly #send: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #maxItems: number;
  readonly #pace: Pace | undefined;
  #waiting: { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void }[] = [];
  #underWay = false;
  /** When the last call began, by the monotonic clock. */
  #beganAt = -Infinity;

  /** @param send answers with one result for each item, in their order. */
  constructor(maxItems: number, send: (items: readonly Item[]) => Promise<readonly Result[]>, pace?: Pace) {
    this.#maxItems = maxItems;
    this.#send = send;
    this.#pace = pace;
  }

  /** Rejects with whatever `send` rejected with. */
  call(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#underWay) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#underWay = true;
    // Calls of the same turn of the event loop go together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      if (this.#pace !== undefined) await this.#wait(this.#pace);
      const batch = this.#waiting.splice(0, this.#maxItems);
      try {
        const results = await this.#send(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, at) => resolve(results[at]!));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#underWay = false;
  }

  /** A full batch need not wait for more. */
  async #wait({ everyMs, monotonic }: Pace): Promise<void> {
    const waitMs = this.#beganAt + everyMs - monotonic();
    if (waitMs > 0 && this.#waiting.length < this.#maxItems) {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
    this.#beganAt = monotonic();
  }
}
