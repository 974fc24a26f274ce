/** Joins questions that are asked at the same time: who asks what another is asking already gets the answer to that. */
export class Joined<Answer> {
  readonly #underWay = new Map<string, Promise<Answer>>();
  readonly #joins: () => boolean;

  /** @param joins whether waiting for another's answer is no worse than asking, just now. */
  constructor(joins: () => boolean = () => true) {
    this.#joins = joins;
  }

  /** @param ask does not throw; that its answer rejects is for all who wait. */
  ask(key: string, ask: () => Promise<Answer>): Promise<Answer> {
    if (!this.#joins()) return ask();
    let answer = this.#underWay.get(key);
    if (answer === undefined) {
      answer = ask().finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, answer);
    }
    return answer;
  }
}
