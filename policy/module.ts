/**
 * Modules: their octets, the hash they are known by, and an engine to ask. Our own one is built from assembly/ and comes
 * with the program.
 */
import { hash } from "node:crypto";
import { type Engine, guardedEngine, type ModuleExports, trustedEngine } from "./engine.ts";
import ownOctets from "./policy.wasm" with { type: "bytes" };

export interface PolicyModule {
  /** SHA-256 of the octets, in hex. */
  readonly hash: string;
  readonly octets: Uint8Array<ArrayBuffer>;
  /** Whether it came with the program. */
  readonly own: boolean;
  readonly engine: Engine;
}

export function moduleHash(octets: Uint8Array): string {
  return hash("sha256", octets, "hex");
}

/** Of our own module. */
export const OWN_HASH = moduleHash(ownOctets);
const ownCompiled = new WebAssembly.Module(new Uint8Array(ownOctets));

/** An instance of our own module; instances share nothing. */
export function ownModule(): PolicyModule {
  const octets = new Uint8Array(ownOctets);
  return { hash: OWN_HASH, octets, own: true, engine: trustedEngine(instantiate(ownCompiled)) };
}

/**
 * An instance of a module that was checked (module_check.ts). Our own octets are ours wherever they come from.
 *
 * @throws {PolicyFault} it does not say where its memory begins.
 */
export function openModule(
  octets: Uint8Array<ArrayBuffer>,
  compiled: WebAssembly.Module = new WebAssembly.Module(octets),
): PolicyModule {
  const hash = moduleHash(octets);
  return hash === OWN_HASH ? ownModule() : { hash, octets, own: false, engine: guardedEngine(instantiate(compiled)) };
}

/** The same for a caller that holds a guard of its own around many decisions. */
export function openUnguarded(octets: Uint8Array<ArrayBuffer>): PolicyModule {
  const hash = moduleHash(octets), own = hash === OWN_HASH;
  const exports = instantiate(new WebAssembly.Module(octets));
  return { hash, octets, own, engine: { ...trustedEngine(exports), foreign: !own } };
}

/** A module that was checked has no start function: nothing runs here. */
function instantiate(compiled: WebAssembly.Module): ModuleExports {
  return new WebAssembly.Instance(compiled).exports as unknown as ModuleExports;
}
