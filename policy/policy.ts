/**
 * The policy as the rest of the house sees it: plain facts in, a verdict out, from one module with one set of
 * parameters. Each call writes all the facts that its rules read, and is synchronous, so that one instance serves
 * everybody and no decision depends on the one before. It decides nothing itself: the rules are the module's.
 */
import * as at from "./assembly/layout.ts";
import { Reason } from "./assembly/reason.ts";
import { Rule } from "./assembly/rule.ts";
import { moment, wholeNumber } from "./checks.ts";
import type { Block, FactsOf, NdrWish, ReportFacts, StageName } from "./facts.ts";
import { PolicyFault } from "./fault.ts";
import { put, putBlocks, putFacts, putNdrWish, putParameters, putReport, wipe } from "./memory.ts";
import type { PolicyModule } from "./module.ts";
import { reasonName, ruleName, STAGES } from "./names.ts";
import { PARAMETER_NAMES, parameterMistake, type Parameters } from "./parameters.ts";
import { unacceptable } from "./never.ts";
import { readFacts } from "./recorded_facts.ts";
import type { Verdict } from "./verdict.ts";
import { toVerdict, verdictData } from "./verdict_reading.ts";

/** All methods throw RangeError for facts that are not whole numbers in their range, and PolicyFault. */
export interface Policy {
  readonly parameters: Parameters;
  /** Hash of the module that decides. */
  readonly module: string;
  /** @param account whose decision it is, for its record. */
  decide<Name extends StageName>(stage: Name, facts: FactsOf[Name], account?: string | null): Verdict;
  /** What would be decided, were the facts final: nothing comes of it, and nothing is recorded. */
  foresee<Name extends StageName>(stage: Name, facts: FactsOf[Name]): Verdict;
  /** The decision, where it is to accept; else null, as it was only foreseen. */
  accept<Name extends StageName>(stage: Name, facts: FactsOf[Name], account?: string | null): Verdict | null;
  /** Relays that a message of `sizeBytes` octets to so many recipients costs. */
  price(sizeBytes: number, recipients: number): number;
  /** Relays of the day, from the blocks that are active at `now`. */
  cap(blocks: readonly Block[], now: number): number;
  /** Of these, those that non-delivery reports may use. */
  ndrCap(blocks: readonly Block[], now: number, wish: NdrWish): number;
  isNdr(facts: ReportFacts): boolean;
}

/** A verdict, and the numbers that it was made from. */
export interface Answer {
  readonly reason: Reason;
  /** The fields of `verdictFields`. */
  readonly data: readonly number[];
  readonly verdict: Verdict;
  /** As they were before a module of somebody else was called; null: they stand in memory, for ours leaves them alone. */
  readonly facts: Float64Array | null;
}

/** What one rule says for itself. */
export interface RuleVerdict {
  /** As in assembly/rule.ts: "sender-domain". */
  readonly rule: string;
  readonly verdict: Verdict;
}

/** No stage of any module has more rules; one that does not come to an end would be asked for ever. */
const MAX_RULES = 100;

/** The rules of a module. Several policies must not share one: its memory holds the parameters. */
export class ModulePolicy implements Policy {
  readonly parameters: Parameters;
  readonly #module: PolicyModule;

  /** @throws RangeError a parameter is out of its bounds. */
  constructor(module: PolicyModule, parameters: Parameters) {
    this.parameters = Object.freeze({ ...parameters });
    this.#module = module;
    for (const name of PARAMETER_NAMES) {
      const mistake = parameterMistake(name, parameters[name]);
      if (mistake !== null) throw new RangeError(`${name} is ${parameters[name]}: ${mistake}`);
    }
    putParameters(module.engine.memory, this.parameters);
  }

  get module(): string {
    return this.#module.hash;
  }

  /** The module's memory, as its last decision left it. */
  get memory(): DataView {
    return this.#module.engine.memory;
  }

  decide<Name extends StageName>(stage: Name, facts: FactsOf[Name]): Verdict {
    return this.answer(stage, facts).verdict;
  }

  foresee<Name extends StageName>(stage: Name, facts: FactsOf[Name]): Verdict {
    return this.decide(stage, facts);
  }

  accept<Name extends StageName>(stage: Name, facts: FactsOf[Name]): Verdict | null {
    const verdict = this.decide(stage, facts);
    return verdict.reason === Reason.Accepted ? verdict : null;
  }

  /** The verdict, and what it was made from. */
  answer<Name extends StageName>(stage: Name, facts: FactsOf[Name]): Answer {
    this.#begin();
    putFacts[stage](this.memory, facts);
    return this.#answerOn(stage);
  }

  /** The same for facts that are written as numbers. */
  decideOn(stage: StageName, write: (memory: DataView) => void): Answer {
    this.#begin();
    write(this.memory);
    return this.#answerOn(stage);
  }

  #answerOn(stage: StageName): Answer {
    const { engine } = this.#module;
    const facts = engine.foreign ? readFacts(this.memory, stage) : null;
    const reason = engine.decide(STAGES[stage]);
    const data = verdictData(this.memory, reason);
    const verdict = toVerdict(reason, data);
    const wrong = facts === null || verdict.reason !== Reason.Accepted ? null : unacceptable(stage, facts);
    if (wrong !== null) throw new PolicyFault("nonsense", `at ${stage} it accepts ${wrong}: no module may`);
    return { reason, data, verdict, facts };
  }

  /** Each rule of the stage in its order, whatever those before it said. The first that refuses is the verdict. */
  explain<Name extends StageName>(stage: Name, facts: FactsOf[Name]): RuleVerdict[] {
    const { engine } = this.#module;
    const explained: RuleVerdict[] = [];
    for (let n = 0; n < MAX_RULES; n++) {
      const rule = engine.ruleAt(STAGES[stage], n);
      if (rule === Rule.None) return explained;
      this.#begin();
      putFacts[stage](this.memory, facts);
      explained.push({ rule: ruleName(rule), verdict: this.#verdict(engine.judge(rule)) });
    }
    throw new PolicyFault("nonsense", `over ${MAX_RULES} rules`);
  }

  price(sizeBytes: number, recipients: number): number {
    this.#begin();
    put(this.memory, at.SIZE_BYTES, wholeNumber("sizeBytes", sizeBytes));
    put(this.memory, at.RECIPIENTS, wholeNumber("recipients", recipients));
    const price = relays("price", this.#module.engine.price());
    if (price >= recipients) return price;
    throw new PolicyFault("nonsense", `a price of ${price} for ${recipients} recipients`);
  }

  cap(blocks: readonly Block[], now: number): number {
    this.#begin();
    put(this.memory, at.NOW, moment("now", now));
    putBlocks(this.memory, blocks);
    return relays("cap", this.#module.engine.cap());
  }

  ndrCap(blocks: readonly Block[], now: number, wish: NdrWish): number {
    this.#begin();
    put(this.memory, at.NOW, moment("now", now));
    putBlocks(this.memory, blocks);
    putNdrWish(this.memory, wish);
    return relays("ndrCap", this.#module.engine.ndrCap());
  }

  isNdr(facts: ReportFacts): boolean {
    this.#begin();
    putReport(this.memory, facts);
    return this.#module.engine.ndr() === 1;
  }

  #begin(): void {
    const { engine } = this.#module;
    if (!engine.foreign) return;
    wipe(engine.memory);
    putParameters(engine.memory, this.parameters);
  }

  #verdict(reason: number): Verdict {
    return toVerdict(reason, verdictData(this.memory, reason));
  }
}

function relays(what: string, answer: number): number {
  if (Number.isSafeInteger(answer) && answer >= 0) return answer;
  throw new PolicyFault("nonsense", `a ${what} of ${answer}`);
}

/** "accepted", or the reason with its data, for logs and lists. */
export function verdictWords(verdict: Verdict): string {
  const { reason, ...data } = verdict;
  const facts = Object.entries(data).map(([name, value]) => `${name} ${value}`);
  return reason === Reason.Accepted ? "accepted" : [reasonName(reason), ...facts].join(", ");
}
