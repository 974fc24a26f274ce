/**
 * A module at work: its exported functions, called straight or under guard, and the memory that is shared with it.
 *
 * Our own module is called straight, which costs nanoseconds. A module of somebody else is called under guard: each call
 * ends within DECISION_LIMIT_MS whatever it does, and what it did wrong is thrown as a PolicyFault. Measured on Deno
 * 2.9.6: 10 µs a guarded call; a loop is stopped 1 ms behind its time, in the main thread and in a Worker.
 */
import { createContext, Script } from "node:vm";
import { MEMORY_BASE } from "./assembly/layout.ts";
import { PolicyFault } from "./fault.ts";

/**
 * So long a module may take for one answer. Ours takes well under a microsecond; a thread that had to wait for a core
 * meanwhile is not the module's fault, hence so much more. A node's other sessions wait so long, once.
 */
export const DECISION_LIMIT_MS = 100;

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
  /** Whether what was there before a decision is wiped out: a module of somebody else sees no other account's facts. */
  readonly wiped: boolean;
}

/** Calls our own module straight. */
export function trustedEngine(exports: ModuleExports): Engine {
  const { decide, ruleAt, judge, price, cap, ndr, ndrCap } = exports;
  return {
    memory: sharedMemory(exports, exports.base()),
    wiped: false,
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
  const octets = exports.memory.buffer.byteLength;
  const call = (run: () => number): number => {
    const answer = guarded(run, DECISION_LIMIT_MS);
    if (exports.memory.buffer.byteLength !== octets) {
      throw new PolicyFault("growth", `the memory of ${octets} octets became ${exports.memory.buffer.byteLength}`);
    }
    if (typeof answer !== "number") throw new PolicyFault("nonsense", `answered a ${typeof answer}`);
    return answer;
  };
  return {
    memory: sharedMemory(exports, call(() => exports.base())),
    wiped: true,
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

const surroundings: { run: () => unknown } = { run: () => undefined };
const context = createContext(surroundings);
const call = new Script("run()");

/** Runs `run` for so many ms at the most. @throws {PolicyFault} */
export function guarded<T>(run: () => T, limitMs: number): T {
  surroundings.run = run;
  try {
    return call.runInContext(context, { timeout: limitMs }) as T;
  } catch (cause) {
    if (cause instanceof PolicyFault) throw cause;
    // A trap is an error of WebAssembly, or the stack's; nothing else runs in there.
    if (isTimeout(cause)) throw new PolicyFault("timeout", `no answer within ${limitMs} ms`, { cause });
    throw new PolicyFault("trap", cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** An error of the script's realm is no instance of this one's Error. */
function isTimeout(error: unknown): boolean {
  return typeof error === "object" && error !== null && "code" in error &&
    error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
}
