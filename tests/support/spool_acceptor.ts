/**
 * A process to be killed: accepts messages into a spool without end, and prints the id of each when it was accepted.
 *
 * Arguments: directory, prefix of the ids.
 */
import { accept, contentOf, envelope, octetsOf, openTestSpool } from "./spool_on_disk.ts";

/** Messages that are being accepted at the same time. */
const ACCEPTORS = 20;
const SEGMENT_BYTES = 1 << 20;

const [directory, prefix] = Deno.args as [string, string];
const { spool } = await openTestSpool(directory, { segmentBytes: SEGMENT_BYTES });
const encoder = new TextEncoder();
let number = 0;

async function acceptForEver(): Promise<never> {
  while (true) {
    const id = `${prefix}-${number++}`;
    await accept(spool, envelope(id), contentOf(id, octetsOf(id)));
    Deno.stdout.writeSync(encoder.encode(`${id}\n`));
  }
}

await Promise.all(Array.from({ length: ACCEPTORS }, acceptForEver));
