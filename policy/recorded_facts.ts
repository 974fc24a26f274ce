/** A stage's facts as numbers, out of a module's memory and into it again. */
import * as at from "./assembly/layout.ts";
import type { StageName } from "./facts.ts";
import { FACT_FIELDS, hasBlocks } from "./fields.ts";
import { get, put } from "./memory.ts";

/** The facts of a stage as they stand in memory. */
export function readFacts(memory: DataView, stage: StageName): Float64Array {
  const fields = FACT_FIELDS[stage];
  const blocks = hasBlocks(stage) ? get(memory, at.BLOCK_COUNT) : 0;
  const facts = new Float64Array(fields.length + 2 * blocks);
  let n = 0;
  for (const field of fields) facts[n++] = get(memory, field);
  for (let block = 0; block < blocks; block++) {
    facts[n++] = get(memory, at.BLOCK_QUANTITY + block * at.BLOCK_STRIDE);
    facts[n++] = get(memory, at.BLOCK_ACTIVATES_AT + block * at.BLOCK_STRIDE);
  }
  return facts;
}

/** Puts back what `readFacts` read. */
export function writeFacts(memory: DataView, stage: StageName, facts: Float64Array): void {
  const fields = FACT_FIELDS[stage];
  let n = 0;
  for (const field of fields) put(memory, field, facts[n++]!);
  for (let block = 0; n < facts.length; block++) {
    put(memory, at.BLOCK_QUANTITY + block * at.BLOCK_STRIDE, facts[n++]!);
    put(memory, at.BLOCK_ACTIVATES_AT + block * at.BLOCK_STRIDE, facts[n++]!);
  }
}
