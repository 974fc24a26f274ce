/** Messages of an exact size, made while they are sent: nothing of their size is ever in memory. */

const LINE_OCTETS = 512;
/** Lines that go out in one write. */
const LINES_PER_CHUNK = 1024;
const encoder = new TextEncoder();
const manyLines = encoder.encode(`${"x".repeat(LINE_OCTETS - 2)}\r\n`.repeat(LINES_PER_CHUNK));

/** Content of exactly `sizeBytes` octets, its last CRLF included: a header and lines that need no dot-stuffing. */
export function* sizedMessage(sizeBytes: number, from: string): Generator<Uint8Array> {
  const header = encoder.encode(`From: <${from}>\r\nSubject: of ${sizeBytes} octets\r\n\r\n`);
  const left = sizeBytes - header.length;
  if (left < 2) throw new RangeError(`a message of ${sizeBytes} octets cannot be made`);
  yield header;
  // The first line takes what does not make whole lines; a line has two octets at least.
  const first = left % LINE_OCTETS === 1 ? LINE_OCTETS + 1 : left % LINE_OCTETS;
  if (first > 0) yield encoder.encode(`${"x".repeat(first - 2)}\r\n`);
  for (let rest = left - first; rest > 0; rest -= manyLines.length) {
    yield manyLines.subarray(0, Math.min(rest, manyLines.length));
  }
}
