/** Reads the header section of a stored message (RFC 5322 2.1), as far as a bound allows. */
import type { Content } from "../spool/types.ts";

const CR = 13, LF = 10;

/**
 * The header fields, without the empty line that ends them. What does not fit into `limit` octets is left out from
 * the first line that does not fit whole.
 */
export async function readHeaderSection(content: Content, limit: number): Promise<Uint8Array> {
  let read = new Uint8Array(0);
  for await (const chunk of content.chunks()) {
    const taken = chunk.subarray(0, limit - read.length);
    const whole = new Uint8Array(read.length + taken.length);
    whole.set(read);
    whole.set(taken, read.length);
    read = whole;
    const end = endOfHeader(read);
    if (end >= 0) return read.subarray(0, end);
    if (read.length >= limit) break;
  }
  return read.subarray(0, read.lastIndexOf(LF) + 1);
}

/** Index of the empty line, or -1 where it is not there. */
function endOfHeader(octets: Uint8Array): number {
  if (octets[0] === CR) return 0;
  for (let lf = octets.indexOf(LF); lf >= 0; lf = octets.indexOf(LF, lf + 1)) {
    if (octets[lf + 1] === CR) return lf + 1;
  }
  return -1;
}
