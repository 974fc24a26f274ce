/**
 * Buffers into which messages' data is read: used again, so that a message does not cost a block of its own, which
 * has to be cleared for it and weighs on the garbage collector. One is somebody's until it is given back.
 */

/** Octets read at once while data comes. */
const BUFFER_OCTETS = 64 * 1024;
/** Kept unused, 2 MiB in all: as many as receive data at the same moment on a busy node. */
const MAX_UNUSED = 32;

const unused: Uint8Array[] = [];

export function takeBuffer(): Uint8Array {
  return unused.pop() ?? new Uint8Array(BUFFER_OCTETS);
}

/** Nothing may be read into it, or out of it, any more. */
export function giveBuffer(buffer: Uint8Array): void {
  if (unused.length < MAX_UNUSED) unused.push(buffer);
}
