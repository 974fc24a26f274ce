/**
 * A module that runs beside the active one: it is told the same facts, off the way of those who wait, and where it
 * would have answered otherwise is counted. What it does wrong ends it, and nobody else.
 */
import type { Reason } from "./assembly/reason.ts";
import type { Decision } from "./decision.ts";
import type { StageName } from "./facts.ts";
import { PolicyFault } from "./fault.ts";
import type { PolicyModule } from "./module.ts";
import type { Parameters } from "./parameters.ts";
import { type Answer, ModulePolicy } from "./policy.ts";
import { writeFacts } from "./recorded_facts.ts";

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

/** Decisions that wait to be compared; more are left out and counted. Some hundred octets each, more with many blocks. */
const MAX_WAITING = 10_000;
/** Spent in one turn of the event loop: so long sessions wait, and one answer of the module longer. */
const TURN_MS = 5;

export class Shadow {
  readonly #module: PolicyModule;
  #policy: ModulePolicy;
  readonly #later: (job: () => void) => void;
  readonly #monotonic: () => number;
  readonly #onFault: (fault: PolicyFault) => void;
  #waiting: Decision[] = [];
  #scheduled = false;
  #ended = false;
  #compared = 0;
  #left = 0;
  readonly #differences = new Map<string, Difference>();

  /** @param later runs a job when the event loop has time. @param monotonic ms. */
  constructor(
    module: PolicyModule,
    parameters: Parameters,
    later: (job: () => void) => void,
    monotonic: () => number,
    onFault: (fault: PolicyFault) => void,
  ) {
    this.#module = module;
    this.#policy = new ModulePolicy(module, parameters);
    this.#later = later;
    this.#monotonic = monotonic;
    this.#onFault = onFault;
  }

  get module(): string {
    return this.#module.hash;
  }

  /** Decides by these from now on; what waits was decided by others. */
  use(parameters: Parameters): void {
    this.#policy = new ModulePolicy(this.#module, parameters);
    this.#left += this.#waiting.length;
    this.#waiting = [];
  }

  compare(decision: Decision): void {
    if (this.#ended || this.#waiting.length >= MAX_WAITING) {
      this.#left++;
      return;
    }
    this.#waiting.push(decision);
    this.#schedule();
  }

  /** What happened since `told`. */
  news(): ShadowNews {
    return {
      module: this.module,
      compared: this.#compared,
      left: this.#left,
      differences: [...this.#differences.values()],
    };
  }

  /** This news has reached whoever counts: it begins anew behind it. */
  told({ compared, left, differences }: ShadowNews): void {
    this.#compared -= compared;
    this.#left -= left;
    for (const { stage, was, would, count } of differences) this.#count(stage, was, would, -count);
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
    if (this.#waiting.length === 0) return;
    try {
      const until = this.#monotonic() + TURN_MS;
      let judged = 0;
      do this.#judge(this.#waiting[judged++]!); while (judged < this.#waiting.length && this.#monotonic() < until);
      this.#waiting.splice(0, judged);
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
    this.#count(stage, reason, would.reason, 1);
  }

  #count(stage: StageName, was: Reason, would: Reason, more: number): void {
    const key = `${stage} ${was} ${would}`;
    const count = (this.#differences.get(key)?.count ?? 0) + more;
    if (count === 0) this.#differences.delete(key);
    else this.#differences.set(key, { stage, was, would, count });
  }
}

/** Decides on recorded facts. @throws {PolicyFault} */
export function decideAgain(policy: ModulePolicy, { stage, facts }: Pick<Decision, "stage" | "facts">): Answer {
  return policy.decideOn(stage, (memory) => writeFacts(memory, stage, facts));
}

export function sameData(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((value, n) => value === other[n]);
}
