/** Joins questions that are asked at the same time: who asks what another is asking already gets the answer to that. */
export class Joined<Answer> {
  readonly #underWay = new Map<string, { readonly answer: Promise<Answer>; readonly since: number }>();
  readonly #clock: () => number;
  readonly #joins: (ageMs: number) => boolean;

  /**
   * @param clock ms, of any clock.
   * @param joins whether to wait for the answer to a question that was asked so many ms ago is no worse than to ask.
   */
  constructor(clock: () => number, joins: (ageMs: number) => boolean = () => true) {
    this.#clock = clock;
    this.#joins = joins;
  }

  /** Whether who asks now would get the answer to what another has asked. */
  has(key: string): boolean {
    return this.#toJoin(key) !== undefined;
  }

  /** @param ask does not throw; that its answer rejects is for all who wait. */
  ask(key: string, ask: () => Promise<Answer>): Promise<Answer> {
    const joined = this.#toJoin(key);
    if (joined !== undefined) return joined;
    const since = this.#clock();
    const answer = ask().finally(() => {
      if (this.#underWay.get(key)?.answer === answer) this.#underWay.delete(key);
    });
    this.#underWay.set(key, { answer, since });
    return answer;
  }

  #toJoin(key: string): Promise<Answer> | undefined {
    const underWay = this.#underWay.get(key);
    return underWay !== undefined && this.#joins(this.#clock() - underWay.since) ? underWay.answer : undefined;
  }
}
