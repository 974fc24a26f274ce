/**
 * Ports for servers that a test starts, which nobody else takes meanwhile.
 *
 * A port that the system names is one of its ephemeral ports: between the asking and the server's own `listen` another
 * connection of the machine may be given it. So they come from below those, in blocks, and a process (or worker) of
 * tests has a block for as long as it listens on its first port.
 */

const HOST = "127.0.0.1";
/** Above the ports that the relay has by default (10025, 10465). */
const FIRST = 11_000;
/** Here Linux' ephemeral ports begin (`net.ipv4.ip_local_port_range`). */
const END = 32_768;
/** Ports of a block: more than the servers that are up at a time in one file of tests. */
const BLOCK = 128;

/** The first port of a block that is now ours, until this process or worker ends. */
function takeBlock(): number {
  for (let first = FIRST; first + BLOCK <= END; first += BLOCK) {
    const listener = listenOn(first);
    if (listener === undefined) continue;
    listener.unref();
    return first;
  }
  throw new Error(`all blocks of ports from ${FIRST} to ${END} are taken`);
}

/** undefined where somebody else listens. */
function listenOn(port: number): Deno.Listener | undefined {
  try {
    return Deno.listen({ hostname: HOST, port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return undefined;
    throw error;
  }
}

/** Taken as the module is loaded: a test that begins must not find its listener open, nor close it. */
const block = takeBlock();
let latest = 0;

/**
 * A port on which nobody listens, and which is not given again before the others of the block.
 *
 * @throws {Error} if all of the block are in use.
 */
export function freePort(): number {
  for (let tried = 1; tried < BLOCK; tried++) {
    latest = latest % (BLOCK - 1) + 1;
    using listener = listenOn(block + latest);
    if (listener !== undefined) return block + latest;
  }
  throw new Error(`all ${BLOCK - 1} ports from ${block + 1} on are in use`);
}
