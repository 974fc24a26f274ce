/**
 * The rules' own source, run as plain TypeScript: `load` and `store`, which AssemblyScript has built in, go to a
 * DataView. For coverage by lines, and for comparison with the compiled module.
 */
import { MEMORY_BASE } from "../../policy/assembly/layout.ts";
import type { Engine, ModuleExports } from "../../policy/engine.ts";
import type { PolicyModule } from "../../policy/module.ts";

const memory = new DataView(new ArrayBuffer(MEMORY_BASE));

Object.assign(globalThis, {
  load: (offset: number) => memory.getFloat64(offset, true),
  store: (offset: number, value: number) => memory.setFloat64(offset, value, true),
});

// Not by a literal: to the type checker the words of AssemblyScript are unknown.
const source = new URL("../../policy/assembly/index.ts", import.meta.url).href;
export const plainExports = await import(source) as Omit<ModuleExports, "memory">;
const { decide, ruleAt, judge, price, cap, ndr, ndrCap } = plainExports;

const engine: Engine = { memory, foreign: false, decide, ruleAt, judge, price, cap, ndr, ndrCap };

/** There is one only: the source knows one memory. */
export const plainModule: PolicyModule = { hash: "0".repeat(64), octets: new Uint8Array(), own: true, engine };
