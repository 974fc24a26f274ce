/**
 * The policy of a running process: the active module and its parameters, both of which may change between two
 * decisions; a shadow beside it; and what happens when a module fails.
 *
 * A module that fails once decides no more here: the last good one takes over, whoever asked is told to come again
 * (451), and somebody is told. Never is anything let in because a module failed.
 */
import { Reason } from "./assembly/reason.ts";
import type { Decision } from "./decision.ts";
import type { Block, FactsOf, NdrWish, ReportFacts, StageName } from "./facts.ts";
import { PolicyFault } from "./fault.ts";
import { ownModule, type PolicyModule } from "./module.ts";
import type { Parameters } from "./parameters.ts";
import { type Answer, ModulePolicy, type Policy } from "./policy.ts";
import { readFacts } from "./recorded_facts.ts";
import { Shadow, type ShadowNews } from "./shadow.ts";
import type { Verdict } from "./verdict.ts";

export interface LivePolicyOptions {
  readonly parameters: Parameters;
  /** Epoch ms. */
  readonly now: () => number;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  /** Runs a job when the event loop has time. */
  readonly later: (job: () => void) => void;
  /** Whether a decision with this reason is to be recorded. `account` as in `Decision`. */
  readonly wants: (reason: Reason, account: string | null) => boolean;
  readonly record: (decision: Decision) => void;
  /** A module failed and decides no more here; `shadow`: it only ran beside. */
  readonly onFault: (module: string, fault: PolicyFault, shadow: boolean) => void;
}

export class LivePolicy implements Policy {
  readonly #options: LivePolicyOptions;
  #active: ModulePolicy;
  #activeModule: PolicyModule;
  /** What decided before the active module, if it was good. */
  #lastGood: PolicyModule | null = null;
  #shadow: Shadow | null = null;

  constructor(options: LivePolicyOptions) {
    this.#options = options;
    this.#activeModule = ownModule();
    this.#active = new ModulePolicy(this.#activeModule, options.parameters);
  }

  get parameters(): Parameters {
    return this.#active.parameters;
  }

  get module(): string {
    return this.#active.module;
  }

  get shadow(): string | null {
    return this.#shadow?.module ?? null;
  }

  /**
   * From the next decision on.
   *
   * @param module null: the one that decides now.
   * @throws RangeError a parameter is out of its bounds; nothing has changed then.
   */
  use(module: PolicyModule | null, parameters: Parameters): void {
    const isSame = module === null || module.hash === this.#active.module;
    const next = isSame ? this.#activeModule : module;
    this.#active = new ModulePolicy(next, parameters);
    if (!isSame) this.#lastGood = this.#activeModule;
    this.#activeModule = next;
    this.#shadow?.use(this.parameters);
  }

  /** Has a module run beside the active one; null: none. @throws RangeError as `use`. */
  useShadow(module: PolicyModule | null): void {
    this.#shadow?.end();
    this.#shadow = null;
    if (module === null) return;
    const { later, monotonic, onFault } = this.#options;
    const shadow = this.#shadow = new Shadow(module, this.parameters, later, monotonic, (fault) => {
      onFault(module.hash, fault, true);
      if (this.#shadow === shadow) this.#shadow = null;
    });
  }

  /** What the shadow has seen since it was last told; null: there is none. */
  shadowNews(): ShadowNews | null {
    return this.#shadow?.news() ?? null;
  }

  /** This news has reached whoever counts. */
  shadowTold(news: ShadowNews): void {
    if (this.#shadow?.module === news.module) this.#shadow.told(news);
  }

  decide<Name extends StageName>(stage: Name, facts: FactsOf[Name], account: string | null = null): Verdict {
    try {
      const answer = this.#active.answer(stage, facts);
      this.#decided(stage, answer, account);
      return answer.verdict;
    } catch (error) {
      this.#failed(error);
      return { reason: Reason.PolicyFault };
    }
  }

  accept<Name extends StageName>(stage: Name, facts: FactsOf[Name], account: string | null = null): Verdict | null {
    return this.#orFault((active) => {
      const answer = active.answer(stage, facts);
      if (answer.reason !== Reason.Accepted) return null;
      this.#decided(stage, answer, account);
      return answer.verdict;
    });
  }

  foresee<Name extends StageName>(stage: Name, facts: FactsOf[Name]): Verdict {
    return this.#orFault((active) => active.foresee(stage, facts));
  }

  price(sizeBytes: number, recipients: number): number {
    return this.#orFault((active) => active.price(sizeBytes, recipients));
  }

  cap(blocks: readonly Block[], now: number): number {
    return this.#orFault((active) => active.cap(blocks, now));
  }

  ndrCap(blocks: readonly Block[], now: number, wish: NdrWish): number {
    return this.#orFault((active) => active.ndrCap(blocks, now, wish));
  }

  isNdr(facts: ReportFacts): boolean {
    return this.#orFault((active) => active.isNdr(facts));
  }

  /** The answer is a decision: whoever wants to know of it is told. The facts stand in the active module's memory. */
  #decided(stage: StageName, { reason, data, facts }: Answer, account: string | null): void {
    const wanted = this.#options.wants(reason, account);
    if (!wanted && this.#shadow === null) return;
    const { module, parameters, memory } = this.#active;
    const decision: Decision = {
      stage,
      at: this.#options.now(),
      account,
      module,
      parameters,
      facts: facts ?? readFacts(memory, stage),
      reason,
      data,
    };
    if (wanted) this.#options.record(decision);
    this.#shadow?.compare(decision);
  }

  #orFault<T>(ask: (active: ModulePolicy) => T): T {
    try {
      return ask(this.#active);
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  /** @throws what is not a module's fault. */
  #failed(error: unknown): void {
    if (!(error instanceof PolicyFault)) throw error;
    const { hash } = this.#activeModule;
    const next = this.#lastGood ?? ownModule();
    this.#lastGood = null;
    this.#activeModule = next;
    this.#active = new ModulePolicy(next, this.parameters);
    this.#options.onFault(hash, error, false);
  }
}
