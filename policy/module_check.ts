/**
 * Checks a module before it may decide anything: by its octets what it is made of, by running it whether it keeps the
 * ABI (ABI.md) and passes the self-test. All that is wrong is said at once.
 *
 * What is forbidden is what could not be bounded while it runs or is compiled: imports, memory and tables without a
 * maximum, a start function, exceptions and types whose values would lie in the host's own heap, and very many functions
 * or locals.
 */
import { ABI_VERSION } from "./assembly/layout.ts";
import { DECISION_LIMIT_MS, EXPORTED_FUNCTIONS, guarded, type ModuleExports } from "./engine.ts";
import { PolicyFault } from "./fault.ts";
import { openModule } from "./module.ts";
import { defaultParameters } from "./parameters.ts";
import { ModulePolicy } from "./policy.ts";
import { selfTest } from "./self_test.ts";
import { BadModule, ModuleSections, SECTION, type SectionReader } from "./module_sections.ts";

/** Ours has 4 KiB; what compiles and is passed around is bounded. */
export const MAX_MODULE_OCTETS = 256 * 1024;
/** 4 MiB: each node holds two modules. */
const MAX_MEMORY_PAGES = 64;
/** Functions that are called by number. */
const MAX_TABLE_ENTRIES = 10_000;
/** Ours has 30; what compiles within milliseconds. */
const MAX_FUNCTIONS = 2000;
const MAX_LOCALS = 500;
/** i32, i64, f32, f64, v128: values that lie in no heap. */
const NUMBER_TYPES: ReadonlySet<number> = new Set([0x7f, 0x7e, 0x7d, 0x7c, 0x7b]);
const FUNCTION_TYPE = 0x60, FUNCTION_REFERENCE = 0x70;
/** Limits with a maximum (the first bit), and nothing else: neither shared nor of 64 bits. */
const WITH_MAXIMUM = 0x01;

/** @returns what is wrong, each in a sentence; empty: the module may be used. */
export function checkModule(octets: Uint8Array<ArrayBuffer>): string[] {
  const built = checkBuild(octets);
  return built.length > 0 ? built : checkBehaviour(octets);
}

function checkBuild(octets: Uint8Array<ArrayBuffer>): string[] {
  if (octets.length > MAX_MODULE_OCTETS) {
    return [`It has ${octets.length} octets: at most ${MAX_MODULE_OCTETS} may be.`];
  }
  try {
    const sections = new ModuleSections(octets);
    // Before it is compiled: that takes time, too.
    const heavy = codeOf(sections);
    if (heavy.length > 0) return heavy;
    const module = new WebAssembly.Module(octets);
    return [
      ...importsOf(module),
      ...missingExports(module),
      ...(sections.has(SECTION.start) ? ["It has a start function: nothing may run before it is asked."] : []),
      ...(sections.has(SECTION.tag) ? ["It has exceptions: they would not be bounded."] : []),
      ...typesOf(sections),
      ...memoryOf(sections),
      ...tablesOf(sections),
      ...globalsOf(sections),
    ];
  } catch (error) {
    if (error instanceof WebAssembly.CompileError || error instanceof BadModule) {
      return [`It is no WebAssembly module: ${error.message}.`];
    }
    throw error;
  }
}

function codeOf(sections: ModuleSections): string[] {
  const code = sections.entries(SECTION.code);
  if (code === null) return [];
  if (code.count > MAX_FUNCTIONS) return [`It has ${code.count} functions: at most ${MAX_FUNCTIONS} may be.`];
  for (let n = 0; n < code.count; n++) {
    const locals = localsOf(code.part());
    if (locals > MAX_LOCALS) return [`One of its functions has ${locals} variables: at most ${MAX_LOCALS} may be.`];
  }
  return [];
}

/** Locals stand in groups of one type at the head of a function; a type of two octets ends what can be read. */
function localsOf(body: SectionReader): number {
  let locals = 0;
  for (let groups = body.number(); groups > 0; groups--) {
    locals += body.number();
    if (!isNumber(body.octet())) return Infinity;
  }
  return locals;
}

function importsOf(module: WebAssembly.Module): string[] {
  const imports = WebAssembly.Module.imports(module).map(({ module, name }) => `${module}.${name}`);
  return imports.length === 0 ? [] : [`It imports ${imports.join(", ")}: a module has no imports.`];
}

function missingExports(module: WebAssembly.Module): string[] {
  const kinds = new Map(WebAssembly.Module.exports(module).map(({ name, kind }) => [name, kind]));
  const missing = EXPORTED_FUNCTIONS.filter((name) => kinds.get(name) !== "function").map((name) => `${name}()`);
  if (kinds.get("memory") !== "memory") missing.unshift("memory");
  return missing.length === 0 ? [] : [`It does not export ${missing.join(", ")}.`];
}

function typesOf(sections: ModuleSections): string[] {
  const types = sections.entries(SECTION.type);
  if (types === null) return [];
  for (let n = 0; n < types.count; n++) {
    const isPlain = types.octet() === FUNCTION_TYPE && [...types.vector(), ...types.vector()].every(isNumber);
    // What follows a type that is not known cannot be read.
    if (!isPlain) return ["It has types other than functions of numbers: their values would not be bounded."];
  }
  return [];
}

const isNumber = (type: number): boolean => NUMBER_TYPES.has(type);

function memoryOf(sections: ModuleSections): string[] {
  const memories = sections.entries(SECTION.memory);
  if (memories?.count !== 1) return ["It must have one memory."];
  if (memories.octet() !== WITH_MAXIMUM) {
    return ["Its memory must have a maximum, and be neither shared nor of 64 bits."];
  }
  memories.number();
  const pages = memories.number();
  return pages > MAX_MEMORY_PAGES ? [`Its memory may have ${pages} pages: at most ${MAX_MEMORY_PAGES} may be.`] : [];
}

function tablesOf(sections: ModuleSections): string[] {
  const tables = sections.entries(SECTION.table);
  if (tables === null || tables.count === 0) return [];
  const isBounded = tables.count === 1 && tables.octet() === FUNCTION_REFERENCE && tables.octet() === WITH_MAXIMUM &&
    (tables.number(), tables.number() <= MAX_TABLE_ENTRIES);
  return isBounded ? [] : [`It may have one table, of functions, with a maximum of ${MAX_TABLE_ENTRIES} entries.`];
}

function globalsOf(sections: ModuleSections): string[] {
  const globals = sections.entries(SECTION.global);
  if (globals === null) return [];
  for (let n = 0; n < globals.count; n++) {
    const isPlain = isNumber(globals.octet()) && globals.octet() <= 1 && globals.constant();
    // What follows one that is not known cannot be read.
    if (!isPlain) return ["It has variables other than numbers that begin as constants."];
  }
  return [];
}

function checkBehaviour(octets: Uint8Array<ArrayBuffer>): string[] {
  try {
    const compiled = new WebAssembly.Module(octets);
    const exports = new WebAssembly.Instance(compiled).exports as unknown as ModuleExports;
    const abi = guarded(() => exports.abi(), DECISION_LIMIT_MS);
    if (abi !== ABI_VERSION) return [`It keeps version ${abi} of the ABI: this relay has version ${ABI_VERSION}.`];
    return selfTest(new ModulePolicy(openModule(octets, compiled), defaultParameters));
  } catch (error) {
    if (!(error instanceof PolicyFault)) throw error;
    return [`It fails as soon as it is asked: ${error.message}.`];
  }
}
