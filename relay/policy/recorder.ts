/**
 * Keeps decisions until they are handed over: all refusals, and a share of the others, drawn by chance. Deciding does
 * not wait for any of it. Memory is bounded: what finds no room is left out, and counted.
 */
import { encodeBase64 } from "@std/encoding";
import { type Decision, encodeChunk, Reason } from "../../policy/mod.ts";
import type { DecisionChunkJson } from "../../api/client.ts";

/** About 400 octets each; a flood of refusals fills this in a second or so, and the rest of it says nothing new. */
const MAX_WAITING = 20_000;
/** In one chunk: encoded in a millisecond or two, and some tens of KiB long. */
const MAX_IN_CHUNK = 1000;

export interface RecorderOptions {
  /** Of the decisions that accept, in percent. */
  readonly samplePercent: number;
  readonly random: () => number;
}

export class DecisionRecorder {
  readonly #options: RecorderOptions;
  #waiting: Decision[] = [];
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

  /** Hands the oldest over; what is not taken waits on. @returns whether more wait. */
  async handOver(deliver: (chunk: DecisionChunkJson) => Promise<void>): Promise<boolean> {
    const decisions = this.#waiting.slice(0, MAX_IN_CHUNK);
    if (decisions.length === 0) return false;
    const { octets, ...head } = encodeChunk(decisions);
    await deliver({ ...head, octets: encodeBase64(octets) });
    this.#waiting.splice(0, decisions.length);
    return this.#waiting.length > 0;
  }
}
