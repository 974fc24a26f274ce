/**
 * Joins calls that come while an earlier one is under way: the first goes at once, the rest go together. So a quiet
 * node waits for nobody, and a loaded one makes far fewer calls than it has messages.
 */
export class Batcher<Item, Result> {
  readonly #send: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #maxItems: number;
  #waiting: { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void }[] = [];
  #underWay = false;

  /** @param send answers with one result for each item, in their order. */
  constructor(maxItems: number, send: (items: readonly Item[]) => Promise<readonly Result[]>) {
    this.#maxItems = maxItems;
    this.#send = send;
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
}
