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

/** An instance of our own module; instances share nothing. */
export function ownModule(): PolicyModule {
  const octets = new Uint8Array(ownOctets);
  return { hash: moduleHash(octets), octets, own: true, engine: trustedEngine(instantiate(octets)) };
}

/**
 * An instance of a module that was checked (module_check.ts). Our own octets are ours wherever they come from.
 *
 * @throws {PolicyFault} it does not say where its memory begins.
 */
export function openModule(octets: Uint8Array<ArrayBuffer>): PolicyModule {
  const own = moduleHash(ownOctets) === moduleHash(octets);
  return own ? ownModule() : { hash: moduleHash(octets), octets, own, engine: guardedEngine(instantiate(octets)) };
}

/** The same for a caller that holds a guard of its own around many decisions. */
export function openUnguarded(octets: Uint8Array<ArrayBuffer>): PolicyModule {
  const exports = instantiate(octets);
  const hash = moduleHash(octets), own = hash === moduleHash(ownOctets);
  return { hash, octets, own, engine: { ...trustedEngine(exports), wiped: !own } };
}

/** @throws {WebAssembly.CompileError | WebAssembly.LinkError | WebAssembly.RuntimeError} */
function instantiate(octets: Uint8Array<ArrayBuffer>): ModuleExports {
  return new WebAssembly.Instance(new WebAssembly.Module(octets)).exports as unknown as ModuleExports;
}
