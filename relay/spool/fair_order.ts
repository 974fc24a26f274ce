/**
 * In which order accounts get their turn: one message each, round and round; within an account, first come, first
 * served. So a message waits for one of each other account, however many these have.
 */
export class FairOrder {
  /** Ids by account; the account at the front is next. A Set keeps order and gives up its first cheaply. */
  readonly #waiting = new Map<string, Set<string>>();

  get empty(): boolean {
    return this.#waiting.size === 0;
  }

  add(account: string, id: string): void {
    const ids = this.#waiting.get(account);
    if (ids === undefined) this.#waiting.set(account, new Set([id]));
    else ids.add(id);
  }

  /** Removes a message, if it waits. */
  remove(account: string, id: string): void {
    const ids = this.#waiting.get(account);
    ids?.delete(id);
    if (ids?.size === 0) this.#waiting.delete(account);
  }

  /** Removes the next message of an account that may have one, and gives its id. */
  take(mayTake: (account: string) => boolean): string | undefined {
    for (const [account, ids] of this.#waiting) {
      if (!mayTake(account)) continue;
      const [id] = ids;
      ids.delete(id!);
      this.#waiting.delete(account);
      if (ids.size > 0) this.#waiting.set(account, ids); // at the back
      return id;
    }
    return undefined;
  }
}
