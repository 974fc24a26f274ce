/**
 * A module that runs beside the active one: it is told the same facts, off the way of those who wait, and where it
 * would have answered otherwise is counted. What it does wrong ends it, and nobody else.
 */
import { Reason } from "./assembly/reason.ts";
import { type Decision, writeFacts } from "./decision.ts";
import type { StageName } from "./facts.ts";
import { PolicyFault } from "./fault.ts";
import type { Answer, ModulePolicy } from "./policy.ts";

/** How often it would have answered otherwise, in this way. */
export interface Difference {
  readonly stage: StageName;
  readonly was: Reason;
  readonly would: Reason;
  readonly count: number;
}

export interface ShadowNews {
  readonly module: string;
  /** Decisions that were compared, and that were not for lack of time. */
  readonly compared: number;
  readonly left: number;
  readonly differences: readonly Difference[];
}

/** Decisions that wait to be compared; more are left out and counted. About 300 octets each. */
const MAX_WAITING = 10_000;
/** Compared in one turn of the event loop: under guard this is a millisecond or two. */
const BATCH = 100;

export class Shadow {
  readonly #policy: ModulePolicy;
  readonly #later: (job: () => void) => void;
  readonly #onFault: (fault: PolicyFault) => void;
  #waiting: Decision[] = [];
  #scheduled = false;
  #ended = false;
  #compared = 0;
  #left = 0;
  readonly #differences = new Map<string, Difference>();

  /** @param later runs a job when the event loop has time. */
  constructor(policy: ModulePolicy, later: (job: () => void) => void, onFault: (fault: PolicyFault) => void) {
    this.#policy = policy;
    this.#later = later;
    this.#onFault = onFault;
  }

  get module(): string {
    return this.#policy.module;
  }

  compare(decision: Decision): void {
    if (this.#ended || this.#waiting.length >= MAX_WAITING) {
      this.#left++;
      return;
    }
    this.#waiting.push(decision);
    this.#schedule();
  }

  /** What happened since it was last asked. */
  news(): ShadowNews {
    const news = {
      module: this.module,
      compared: this.#compared,
      left: this.#left,
      differences: [...this.#differences.values()],
    };
    this.#compared = this.#left = 0;
    this.#differences.clear();
    return news;
  }

  end(): void {
    this.#ended = true;
    this.#waiting = [];
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#later(() => this.#work());
  }

  #work(): void {
    this.#scheduled = false;
    try {
      for (const decision of this.#waiting.splice(0, BATCH)) this.#judge(decision);
    } catch (error) {
      if (!(error instanceof PolicyFault)) throw error;
      this.end();
      this.#onFault(error);
    }
    if (this.#waiting.length > 0) this.#schedule();
  }

  #judge(decision: Decision): void {
    const { stage, reason, data } = decision;
    const would = decideAgain(this.#policy, decision);
    this.#compared++;
    if (would.reason === reason && sameData(would.data, data)) return;
    const key = `${stage} ${reason} ${would.reason}`;
    const count = (this.#differences.get(key)?.count ?? 0) + 1;
    this.#differences.set(key, { stage, was: reason, would: would.reason, count });
  }
}

/** Decides on recorded facts. @throws {PolicyFault} */
export function decideAgain(policy: ModulePolicy, { stage, facts }: Pick<Decision, "stage" | "facts">): Answer {
  return policy.decideOn(stage, (memory) => writeFacts(memory, stage, facts));
}

export function sameData(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((value, n) => value === other[n]);
}
