/** How much of each segment is still needed: the records of messages that have not ended; and how many these are. */
import type { Location } from "./log.ts";

export interface LiveShare {
  readonly messages: number;
  /** Of their records. */
  readonly octets: number;
}

export class LiveRecords {
  readonly #byGeneration: Map<number, LiveShare>;
  #messages = 0;

  constructor(found: Iterable<readonly [generation: number, share: LiveShare]>) {
    this.#byGeneration = new Map(found);
    for (const { messages } of this.#byGeneration.values()) this.#messages += messages;
  }

  /** In all segments. */
  get messages(): number {
    return this.#messages;
  }

  has(generation: number): boolean {
    return this.#byGeneration.has(generation);
  }

  octets(generation: number): number {
    return this.#byGeneration.get(generation)?.octets ?? 0;
  }

  add({ generation, length }: Location): void {
    const { messages, octets } = this.#byGeneration.get(generation) ?? { messages: 0, octets: 0 };
    this.#byGeneration.set(generation, { messages: messages + 1, octets: octets + length });
    this.#messages++;
  }

  delete({ generation, length }: Location): void {
    const share = this.#byGeneration.get(generation);
    if (share === undefined) return;
    this.#messages--;
    if (share.messages === 1) this.#byGeneration.delete(generation);
    else this.#byGeneration.set(generation, { messages: share.messages - 1, octets: share.octets - length });
  }
}
