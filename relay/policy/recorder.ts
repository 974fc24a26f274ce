/**
 * Keeps decisions until they are handed over: all refusals, and a share of the others, drawn by chance. Deciding does
 * not wait for any of it. Memory is bounded: what finds no room is left out, and counted.
 */
import { chunkToJson, type Decision, encodeChunk, Reason } from "../../policy/mod.ts";
import type { NodeDecisions } from "../../api/client.ts";

/** Some hundred octets each, more with many blocks; a flood of refusals fills this in a second or so, and the rest of it says nothing new. */
const MAX_WAITING = 20_000;
/** In one chunk: encoded in a millisecond or two, and some tens of KiB long. */
const MAX_IN_CHUNK = 1000;

export interface RecorderOptions {
  /** Of the decisions that accept, in percent. */
  readonly samplePercent: number;
  readonly random: () => number;
  /** A new ULID on each call. */
  readonly newId: () => string;
}

export class DecisionRecorder {
  readonly #options: RecorderOptions;
  #waiting: Decision[] = [];
  /** The oldest of them, on their way; the same again until it is answered. */
  #underWay: { readonly chunk: NodeDecisions; readonly count: number } | null = null;
  #dropped = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Decisions that were left out since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  wants(reason: Reason): boolean {
    const { samplePercent, random } = this.#options;
    return reason !== Reason.Accepted || random() * 100 < samplePercent;
  }

  record(decision: Decision): void {
    if (this.#waiting.length >= MAX_WAITING) this.#dropped++;
    else this.#waiting.push(decision);
  }

  /**
   * Hands the oldest over; what gets no answer waits on, what is refused is left out and counted.
   *
   * @param deliver false: refused. @returns whether more wait.
   */
  async handOver(deliver: (chunk: NodeDecisions) => Promise<boolean>): Promise<boolean> {
    if (this.#waiting.length === 0) return false;
    const { chunk, count } = this.#underWay ??= this.#oldest();
    if (!await deliver(chunk)) this.#dropped += count;
    this.#underWay = null;
    this.#waiting.splice(0, count);
    return this.#waiting.length > 0;
  }

  #oldest(): { chunk: NodeDecisions; count: number } {
    const decisions = this.#waiting.slice(0, MAX_IN_CHUNK);
    return { chunk: { id: this.#options.newId(), ...chunkToJson(encodeChunk(decisions)) }, count: decisions.length };
  }
}
