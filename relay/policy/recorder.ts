/**
 * Keeps decisions until they are handed over: refusals, and a share of the others, drawn by chance. Deciding does not
 * wait for any of it. Memory is bounded: what finds no room is left out, and counted. What strangers can have recorded
 * is bounded as well: of refusals that concern no account, some in a minute.
 */
import { chunkToJson, type Decision, encodeChunk, Reason } from "../../policy/mod.ts";
import type { NodeDecisions } from "../../api/client.ts";

/** Some hundred octets each, more with many blocks; a flood of refusals fills this in a second or so, and the rest of it says nothing new. */
const MAX_WAITING = 20_000;
/** In one chunk: encoded in a millisecond or two, and some tens of KiB long. */
const MAX_IN_CHUNK = 1000;
/**
 * Refusals of one reason that concern no account, in a minute: anybody can have them without end, and they are kept for
 * a week. A flood says nothing new after so many; one of all these reasons at once (connections, logins, MAIL without
 * AUTH) takes less than 20 MB a day.
 */
const MAX_OF_NOBODY = 60;
const MINUTE_MS = 60_000;

export interface RecorderOptions {
  /** Of the decisions that accept, in percent. */
  readonly samplePercent: number;
  readonly random: () => number;
  /** A new ULID on each call. */
  readonly newId: () => string;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
}

export class DecisionRecorder {
  readonly #options: RecorderOptions;
  #waiting: Decision[] = [];
  /** The oldest of them, on their way; the same again until it is answered. */
  #underWay: { readonly chunk: NodeDecisions; readonly count: number } | null = null;
  #dropped = 0;
  /** Refusals that concern no account: how many were wanted in the minute that began then. */
  readonly #ofNobody = new Map<Reason, { readonly since: number; count: number }>();

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Decisions that were left out since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** @param account null: it concerns none. */
  wants(reason: Reason, account: string | null): boolean {
    const { samplePercent, random } = this.#options;
    if (reason === Reason.Accepted) return random() * 100 < samplePercent;
    return account !== null || this.#wantsOfNobody(reason);
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

  #wantsOfNobody(reason: Reason): boolean {
    const now = this.#options.monotonic();
    const minute = this.#ofNobody.get(reason);
    if (minute !== undefined && now - minute.since < MINUTE_MS) return ++minute.count <= MAX_OF_NOBODY;
    this.#ofNobody.set(reason, { since: now, count: 1 });
    return true;
  }

  #oldest(): { chunk: NodeDecisions; count: number } {
    const decisions = this.#waiting.slice(0, MAX_IN_CHUNK);
    return { chunk: { id: this.#options.newId(), ...chunkToJson(encodeChunk(decisions)) }, count: decisions.length };
  }
}
