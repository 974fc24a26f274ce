/**
 * Recorded decisions: what a module was told and what it answered, as the numbers that stood in memory; and chunks of
 * them, as they travel and are kept. A decision bears no more of a person than its account's name.
 *
 * A chunk names modules, sets of parameters and accounts once, and each decision by index. Its octets are whole numbers
 * in LEB128, seven bits an octet, low ones first:
 *
 *     stage, reason, module, parameters, account (0: none; else index + 1), ms since the chunk's first decision,
 *     the stage's facts, the blocks (quantity, activation) where there are any, the reason's data (each plus 1)
 */
import { MAX_BLOCKS } from "./assembly/layout.ts";
import type { Reason } from "./assembly/reason.ts";
import type { StageName } from "./facts.ts";
import { FACT_FIELDS, hasBlocks, verdictFields } from "./fields.ts";
import { STAGE_NAMES, stageName, STAGES } from "./names.ts";
import type { Parameters } from "./parameters.ts";

export interface Decision {
  readonly stage: StageName;
  /** Epoch ms of the node's clock. */
  readonly at: number;
  /** null: of a connection or a login, or of nobody. */
  readonly account: string | null;
  /** Hash of the module that decided. */
  readonly module: string;
  readonly parameters: Parameters;
  /** The fields of FACT_FIELDS, then the blocks. */
  readonly facts: Float64Array;
  readonly reason: Reason;
  /** The fields of `verdictFields`. */
  readonly data: readonly number[];
}

export interface DecisionChunk {
  /** CHUNK_FORMAT. */
  readonly format: number;
  readonly modules: readonly string[];
  readonly parameters: readonly Parameters[];
  readonly accounts: readonly string[];
  /** Of the first decision and of the last, epoch ms. */
  readonly from: number;
  readonly until: number;
  readonly count: number;
  readonly octets: Uint8Array<ArrayBuffer>;
}

/** One more whenever FACT_FIELDS or `verdictFields` change: facts stand in their order. */
const CHUNK_FORMAT = 1;

/** A chunk is damaged, or of a format that is not known. */
export class BadChunk extends Error {
  override readonly name = "BadChunk";
}

/** @param decisions at least one, in any order. */
export function encodeChunk(decisions: readonly Decision[]): DecisionChunk {
  const modules = new Index<string>(), parameters = new Index<Parameters>(), accounts = new Index<string>();
  const times = decisions.map((decision) => decision.at);
  const from = times.reduce((a, b) => Math.min(a, b));
  const until = times.reduce((a, b) => Math.max(a, b));
  const numbers = new NumberWriter();
  for (const decision of decisions) {
    numbers.put(STAGES[decision.stage]);
    numbers.put(decision.reason);
    numbers.put(modules.of(decision.module));
    numbers.put(parameters.of(decision.parameters));
    numbers.put(decision.account === null ? 0 : accounts.of(decision.account) + 1);
    numbers.put(decision.at - from);
    for (const fact of decision.facts) numbers.put(fact);
    for (const value of decision.data) numbers.put(value + 1); // NEVER is -1
  }
  return {
    format: CHUNK_FORMAT,
    modules: modules.values,
    parameters: parameters.values,
    accounts: accounts.values,
    from,
    until,
    count: decisions.length,
    octets: numbers.octets(),
  };
}

/** @throws {BadChunk} */
export function* decodeChunk(chunk: DecisionChunk): Generator<Decision> {
  if (chunk.format !== CHUNK_FORMAT) throw new BadChunk(`it is of format ${chunk.format}, not ${CHUNK_FORMAT}`);
  const numbers = new NumberReader(chunk.octets);
  const named = <Value>(values: readonly Value[], index: number): Value => {
    const value = values[index];
    if (value === undefined) throw new BadChunk(`nothing has the index ${index}`);
    return value;
  };
  for (let n = 0; n < chunk.count; n++) {
    const code = numbers.next();
    if (code >= STAGE_NAMES.length) throw new BadChunk(`there is no stage ${code}`);
    const stage = stageName(code), reason = numbers.next() as Reason;
    const module = named(chunk.modules, numbers.next());
    const parameters = named(chunk.parameters, numbers.next());
    const account = numbers.next();
    const time = chunk.from + numbers.next();
    yield {
      stage,
      reason,
      module,
      parameters,
      account: account === 0 ? null : named(chunk.accounts, account - 1),
      at: time,
      facts: nextFacts(numbers, stage),
      data: verdictFields(reason).map(() => numbers.next() - 1),
    };
  }
}

function nextFacts(numbers: NumberReader, stage: StageName): Float64Array {
  const fields = FACT_FIELDS[stage];
  const head = fields.map(() => numbers.next());
  const blocks = hasBlocks(stage) ? head.at(-1)! : 0;
  if (blocks > MAX_BLOCKS) throw new BadChunk(`${blocks} blocks`);
  const facts = new Float64Array(fields.length + 2 * blocks);
  facts.set(head);
  for (let n = fields.length; n < facts.length; n++) facts[n] = numbers.next();
  return facts;
}

/** Values by the order in which they came first. */
class Index<Value> {
  readonly values: Value[] = [];
  readonly #places = new Map<Value, number>();

  of(value: Value): number {
    const known = this.#places.get(value);
    if (known !== undefined) return known;
    this.#places.set(value, this.values.length);
    return this.values.push(value) - 1;
  }
}

const SEVEN_BITS = 128;

class NumberWriter {
  #octets = new Uint8Array(4096);
  #length = 0;

  /** @throws RangeError for what is no whole number from 0 to 2^53: it would have no end. */
  put(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} cannot be recorded`);
    if (this.#length + 8 > this.#octets.length) {
      const larger = new Uint8Array(2 * this.#octets.length);
      larger.set(this.#octets);
      this.#octets = larger;
    }
    // Beyond 32 bits there are no bit operations.
    while (value >= SEVEN_BITS) {
      this.#octets[this.#length++] = (value % SEVEN_BITS) + SEVEN_BITS;
      value = Math.floor(value / SEVEN_BITS);
    }
    this.#octets[this.#length++] = value;
  }

  octets(): Uint8Array<ArrayBuffer> {
    return this.#octets.slice(0, this.#length);
  }
}

class NumberReader {
  readonly #octets: Uint8Array;
  #at = 0;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  next(): number {
    let value = 0;
    for (let scale = 1;; scale *= SEVEN_BITS) {
      const octet = this.#octets[this.#at++];
      if (octet === undefined || scale > Number.MAX_SAFE_INTEGER) throw new BadChunk("it ends within a decision");
      value += (octet % SEVEN_BITS) * scale;
      if (octet < SEVEN_BITS) return value;
    }
  }
}
