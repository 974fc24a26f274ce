/**
 * A module at work: its exported functions, called straight or under guard, and the memory that is shared with it.
 *
 * Our own module is called straight, which costs nanoseconds. A module of somebody else is called under guard: each call
 * ends within twice DECISION_LIMIT_MS whatever it does, and what it did wrong is thrown as a PolicyFault. Measured on Deno
 * 2.9.6: 10 to 25 µs a guarded call; a loop is stopped 1 ms behind its time, in the main thread and in a Worker.
 */
import { createContext, Script } from "node:vm";
import { MEMORY_BASE } from "./assembly/layout.ts";
import { PolicyFault } from "./fault.ts";

/**
 * So long a module may take for one answer, by the clock on the wall. Ours takes well under a microsecond; hence so much
 * more, and a second try: a thread that had to wait for a core meanwhile is not the module's fault.
 */
export const DECISION_LIMIT_MS = 100;
const TRIES = 2;
/**
 * An answer that takes longer is slow. One may be, for the same reason; a module of which so many are, but for those
 * that were forgiven by a hundred times as many quick ones, would hold up all sessions.
 */
const SLOW_ANSWER_MS = 10;
const MAX_SLOW_ANSWERS = 10;
const FORGIVEN_BY_A_QUICK_ONE = 0.01;

/** The functions of the ABI (policy/ABI.md). */
export interface ModuleExports {
  readonly memory: WebAssembly.Memory;
  abi(): number;
  base(): number;
  decide(stage: number): number;
  ruleAt(stage: number, n: number): number;
  judge(rule: number): number;
  price(): number;
  cap(): number;
  ndr(): number;
  ndrCap(): number;
}

/** The exported functions, in the order of the ABI. */
export const EXPORTED_FUNCTIONS = [
  "abi",
  "base",
  "decide",
  "ruleAt",
  "judge",
  "price",
  "cap",
  "ndr",
  "ndrCap",
] as const satisfies readonly (keyof ModuleExports)[];

export interface Engine extends Omit<ModuleExports, "memory" | "abi" | "base"> {
  /** The shared part of the module's memory. */
  readonly memory: DataView;
  /** Of somebody else: not trusted with the facts of the decision before, nor with its own answers. */
  readonly foreign: boolean;
}

/** Calls our own module straight. */
export function trustedEngine(exports: ModuleExports): Engine {
  const { decide, ruleAt, judge, price, cap, ndr, ndrCap } = exports;
  return {
    memory: sharedMemory(exports, exports.base()),
    foreign: false,
    decide,
    ruleAt,
    judge,
    price,
    cap,
    ndr,
    ndrCap,
  };
}

/** @throws {PolicyFault} the module does not even say where its memory begins. */
export function guardedEngine(exports: ModuleExports): Engine {
  // Growing by nothing makes another buffer of the same length, too, and detaches this one.
  const { buffer } = exports.memory;
  let slowAnswers = 0;
  const call = (run: () => number): number => {
    const from = performance.now();
    const answer = guardedAgain(run);
    if (exports.memory.buffer !== buffer) throw new PolicyFault("growth", "its memory is not what it was");
    const isSlow = performance.now() - from > SLOW_ANSWER_MS;
    slowAnswers = isSlow ? slowAnswers + 1 : Math.max(0, slowAnswers - FORGIVEN_BY_A_QUICK_ONE);
    if (slowAnswers >= MAX_SLOW_ANSWERS) throw new PolicyFault("timeout", `many answers over ${SLOW_ANSWER_MS} ms`);
    if (typeof answer !== "number") throw new PolicyFault("nonsense", `answered a ${typeof answer}`);
    return answer;
  };
  return {
    memory: sharedMemory(exports, call(() => exports.base())),
    foreign: true,
    decide: (stage) => call(() => exports.decide(stage)),
    ruleAt: (stage, n) => call(() => exports.ruleAt(stage, n)),
    judge: (rule) => call(() => exports.judge(rule)),
    price: () => call(() => exports.price()),
    cap: () => call(() => exports.cap()),
    ndr: () => call(() => exports.ndr()),
    ndrCap: () => call(() => exports.ndrCap()),
  };
}

function sharedMemory({ memory }: ModuleExports, base: number): DataView {
  const fits = Number.isInteger(base) && base >= 0 && base % 8 === 0 && base + MEMORY_BASE <= memory.buffer.byteLength;
  if (!fits) throw new PolicyFault("nonsense", `the shared memory of ${MEMORY_BASE} octets cannot begin at ${base}`);
  return new DataView(memory.buffer, base, MEMORY_BASE);
}

function guardedAgain(run: () => number): number {
  for (let tries = 1;; tries++) {
    try {
      return guarded(run, DECISION_LIMIT_MS);
    } catch (error) {
      if (!(error instanceof PolicyFault && error.kind === "timeout" && tries < TRIES)) throw error;
    }
  }
}

const surroundings: { run: () => void } = { run: () => {} };
const context = createContext(surroundings);
const call = new Script("run()");

/**
 * An answer that comes so many ms before the limit, or later, stays in the script until the limit ends that. Deno's
 * watchdog that fires when the script has just returned ends whatever runs next, and with it the thread (2.9.6: one in
 * a hundred calls that end within 0.3 ms of their limit). So a script returns long before, or not at all.
 */
const MARGIN_MS = 50;
/** In case no watchdog comes: its thread pool is busy with what does not end. In limits. */
const LONGEST_WAIT = 10;
/** Nobody changes or notifies it. */
const forever = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

type Outcome<T> = { readonly answer: T } | { readonly error: unknown };

/**
 * Runs `run` for so many ms at the most; what is late, though not too late, is answered when all are over. Not to be
 * nested.
 *
 * @throws {PolicyFault}
 */
export function guarded<T>(run: () => T, limitMs: number): T {
  let outcome = undefined as Outcome<T> | undefined;
  const from = performance.now();
  surroundings.run = () => {
    try {
      outcome = { answer: run() };
    } catch (error) {
      outcome = { error };
    }
    if (performance.now() - from > limitMs - MARGIN_MS) Atomics.wait(forever, 0, 0, limitMs * LONGEST_WAIT);
  };
  try {
    call.runInContext(context, { timeout: limitMs });
  } catch (cause) {
    outcome ??= { error: isTimeout(cause) ? noAnswer(limitMs, cause) : cause };
  }
  if ("answer" in outcome!) return outcome.answer;
  const { error } = outcome!;
  if (error instanceof PolicyFault) throw error;
  // A trap is an error of WebAssembly, or the stack's.
  throw new PolicyFault("trap", error instanceof Error ? error.message : String(error), { cause: error });
}

const noAnswer = (limitMs: number, cause: unknown): PolicyFault =>
  new PolicyFault("timeout", `no answer within ${limitMs} ms`, { cause });

/** An error of the script's realm is no instance of this one's Error. */
function isTimeout(error: unknown): boolean {
  return typeof error === "object" && error !== null && "code" in error &&
    error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
}
