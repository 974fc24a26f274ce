/** Chunks of recorded decisions in JSON: as they travel. */
import type { DecisionChunk } from "./decision.ts";
import type { Parameters } from "./parameters.ts";

export interface DecisionChunkJson extends Omit<DecisionChunk, "parameters" | "octets"> {
  /** By name; those of another release may have others. */
  readonly parameters: readonly Readonly<Record<string, number>>[];
  /** Base64. */
  readonly octets: string;
}

export function chunkToJson({ octets, ...head }: DecisionChunk): DecisionChunkJson {
  return { ...head, octets: octets.toBase64() };
}

/** @throws SyntaxError the octets are no base64. */
export function chunkFromJson({ octets, parameters, ...head }: DecisionChunkJson): DecisionChunk {
  return { ...head, parameters: parameters as readonly Parameters[], octets: Uint8Array.fromBase64(octets) };
}
